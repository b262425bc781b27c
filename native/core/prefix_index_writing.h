// What every writing call of the prefix index begins and ends with.
#pragma once

#include "core/prefix_index.h"

namespace kv {

// One writing call: takes its turn, learns what readers have left behind, and publishes the epoch
// that its own unlinks belong to.
struct PrefixIndex::Writing {
  explicit Writing(PrefixIndex& index) : index_(index), turn_(index.writing_) { index_.Renew(); }
  ~Writing() {
    index_.Shrink();
    index_.PublishEpoch();
    // Relaxed: a number for people, it orders nothing.
    index_.blocks_.store(index_.table_.live(), std::memory_order_relaxed);
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

 private:
  PrefixIndex& index_;
  std::lock_guard<std::mutex> turn_;
};

}  // namespace kv
