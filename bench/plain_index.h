// The plain way to write a prefix index, as a yardstick: std::unordered_map under a
// std::shared_mutex.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <vector>

namespace kv::bench {

class PlainIndex {
 public:
  static constexpr const char* kName = "unordered_map + shared_mutex";

  class Reader {
   public:
    explicit Reader(PlainIndex& owner) : index_(owner) {}
    size_t Match(std::span<const uint64_t> hashes) {
      const std::shared_lock<std::shared_mutex> lock(index_.mutex_);
      active_.clear();
      for (const uint64_t hash : hashes) {
        const auto entry = index_.holders_.find(hash);
        if (entry == index_.holders_.end()) break;
        if (active_.empty()) {
          active_ = entry->second;
          continue;
        }
        std::erase_if(active_, [&](uint16_t endpoint) {
          return std::find(entry->second.begin(), entry->second.end(), endpoint) ==
                 entry->second.end();
        });
        if (active_.empty()) break;
      }
      return active_.size();
    }

   private:
    PlainIndex& index_;
    std::vector<uint16_t> active_;
  };

  void Store(uint32_t endpoint, std::span<const uint64_t> hashes) {
    const std::unique_lock<std::shared_mutex> lock(mutex_);
    for (const uint64_t hash : hashes) {
      holders_[hash].push_back(static_cast<uint16_t>(endpoint));
    }
  }
  void Remove(uint32_t endpoint, std::span<const uint64_t> hashes) {
    const std::unique_lock<std::shared_mutex> lock(mutex_);
    for (const uint64_t hash : hashes) {
      const auto entry = holders_.find(hash);
      if (entry == holders_.end()) continue;
      std::erase(entry->second, static_cast<uint16_t>(endpoint));
      if (entry->second.empty()) holders_.erase(entry);
    }
  }
  [[nodiscard]] size_t size() {
    const std::shared_lock<std::shared_mutex> lock(mutex_);
    return holders_.size();
  }

 private:
  std::shared_mutex mutex_;
  std::unordered_map<uint64_t, std::vector<uint16_t>> holders_;
};

}  // namespace kv::bench
