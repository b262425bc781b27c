// The prefix indexes of the process by number: how a thread finds the one that another has opened.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "core/prefix_index.h"

namespace kv {

// It does not keep them alive: the objects of the threads do.
class IndexRegistry {
 public:
  static IndexRegistry& OfProcess() {
    // Never destroyed: threads may still end while the process does.
    static IndexRegistry& instance = *new IndexRegistry();
    return instance;
  }

  uint32_t Add(const std::shared_ptr<PrefixIndex>& index) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::erase_if(indexes_, [](const auto& entry) { return entry.second.expired(); });
    indexes_.emplace(++last_id_, index);
    return last_id_;
  }

  // null: there is none.
  std::shared_ptr<PrefixIndex> Find(uint32_t id) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto entry = indexes_.find(id);
    return entry == indexes_.end() ? nullptr : entry->second.lock();
  }

 private:
  std::mutex mutex_;
  uint32_t last_id_ = 0;
  std::unordered_map<uint32_t, std::weak_ptr<PrefixIndex>> indexes_;
};

}  // namespace kv
