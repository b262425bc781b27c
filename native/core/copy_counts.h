// How many further copies of a block a holder has beyond the first. An engine may store a block
// several times and removes each copy with an event of its own; nearly all have one copy only, so
// the count lies beside the index and only where it is above one.
//
// Thread safety: none; the writer's alone.
#pragma once

#include <cstdint>

#include "core/holder_word.h"
#include "core/linear_hash.h"
#include "core/slab_pool.h"

namespace kv {

class CopyCounts {
 public:
  CopyCounts(MemoryBudget& budget, SlabPool& pool) : pool_(pool), counts_(budget) {}
  CopyCounts(const CopyCounts&) = delete;
  CopyCounts& operator=(const CopyCounts&) = delete;

  // One copy more; false when memory is out.
  [[nodiscard]] bool Add(uint64_t key, HolderNumber holder);
  // One copy less; false if there was only the first.
  [[nodiscard]] bool Take(uint64_t key, HolderNumber holder);
  // The holder's block is gone with all its copies.
  void Forget(uint64_t key, HolderNumber holder);

  // Copies beyond the first.
  [[nodiscard]] uint32_t Beyond(uint64_t key, HolderNumber holder) const {
    const Count* const count = Find(key, holder);
    return count == nullptr ? 0 : count->copies;
  }

  [[nodiscard]] uint64_t size() const noexcept { return counts_.size(); }

 private:
  struct Count {
    uint64_t hash;
    Count* next;
    uint64_t key;
    uint32_t copies;
    HolderNumber holder;
  };

  [[nodiscard]] Count* Find(uint64_t key, HolderNumber holder) const;
  void Remove(Count* count);

  SlabPool& pool_;
  LinearHash<Count> counts_;
};

}  // namespace kv
