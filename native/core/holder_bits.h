// A set of holder numbers as one bit each, for a reader's scratch memory: compared with the bit
// sets of the index a word at a time.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "core/holder_word.h"

namespace kv {

class HolderBits {
 public:
  void Add(HolderNumber holder) noexcept {
    const uint32_t word = holder / 64u;
    words_[word] |= Bit(holder);
    first_ = std::min(first_, word);
    end_ = std::max(end_, word + 1);
  }
  void Remove(HolderNumber holder) noexcept { words_[holder / 64u] &= ~Bit(holder); }
  void Clear() noexcept {
    if (first_ < end_) std::fill(words_.begin() + first_, words_.begin() + end_, 0);
    first_ = kWords;
    end_ = 0;
  }

  // Visits the members that `set`, a bit set, contains (or lacks). The visitor may add and remove.
  template <bool kContained, typename Visit>
  void ForEach(const HolderSet& set, Visit&& visit) const {
    for (uint32_t word = first_; word < end_; ++word) {
      const uint32_t place = word - set.first_word;
      const uint64_t contained = place < set.word_count ? set.words()[place] : 0;
      for (uint64_t bits = words_[word] & (kContained ? contained : ~contained); bits != 0;
           bits &= bits - 1) {
        visit(static_cast<HolderNumber>(word * 64 + static_cast<uint32_t>(std::countr_zero(bits))));
      }
    }
  }

 private:
  static constexpr uint32_t kWords = (kLastHolder + 64u) / 64u;
  static constexpr uint64_t Bit(HolderNumber holder) { return uint64_t{1} << holder % 64u; }

  std::array<uint64_t, kWords> words_{};
  // Members lie in words [first_, end_).
  uint32_t first_ = kWords;
  uint32_t end_ = 0;
};

}  // namespace kv
