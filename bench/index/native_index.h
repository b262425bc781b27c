// The prefix index in the form in which its yardsticks are measured.
#pragma once

#include <cstdint>
#include <span>

#include "core/prefix_index.h"

namespace kv::bench {

class NativeIndex {
 public:
  static constexpr const char* kName = "index";
  NativeIndex() : index_({uint64_t{16} << 30, {256, 192, 128, 64}}) {}

  class Reader {
   public:
    explicit Reader(NativeIndex& owner) : index_(owner.index_), hint_(index_.NewReaderHint()) {}
    size_t Match(std::span<const uint64_t> hashes) {
      return index_.Match(matcher_, hint_, hashes).size();
    }

   private:
    PrefixIndex& index_;
    Matcher matcher_;
    uint32_t hint_;
  };

  void Store(uint32_t endpoint, std::span<const uint64_t> hashes) {
    index_.Store(endpoint, Tier::kGpu, hashes);
  }
  void Remove(uint32_t endpoint, std::span<const uint64_t> hashes) {
    index_.Remove(endpoint, Tier::kGpu, hashes);
  }
  [[nodiscard]] PrefixIndex& native() { return index_; }

 private:
  PrefixIndex index_;
};

}  // namespace kv::bench
