#include "core/holder_table.h"

#include <cstdlib>

namespace kv {

HolderTable::HolderTable(MemoryBudget& budget)
    : region_(sizeof(Tables)), tables_(reinterpret_cast<Tables*>(region_.data())) {
  // Half a megabyte of address space: without it nothing would work anyway.
  if (tables_ == nullptr) std::abort();
  budget.Take(sizeof(Tables));
}

HolderNumber HolderTable::Acquire(HolderMeaning meaning) {
  const HolderNumber known = tables_->number[meaning].load(std::memory_order_relaxed);
  if (known != kNoHolder) return known;
  HolderNumber holder = kNoHolder;
  if (!free_.empty()) {
    holder = free_.back();
    free_.pop_back();
  } else if (next_ <= kLastHolder) {
    holder = next_++;
  } else {
    return kNoHolder;
  }
  tables_->blocks[holder].store(0, std::memory_order_relaxed);
  // (2) release-store: pairs with (1).
  tables_->meaning[holder].store(static_cast<uint16_t>(meaning + 1), std::memory_order_release);
  // (4) release-store: pairs with (3).
  tables_->number[meaning].store(holder, std::memory_order_release);
  return holder;
}

HolderNumber HolderTable::Kill(HolderMeaning meaning) {
  const HolderNumber holder = tables_->number[meaning].load(std::memory_order_relaxed);
  if (holder == kNoHolder) return kNoHolder;
  // Relaxed: a reader that still sees the old values answers as if it had come a little earlier.
  tables_->number[meaning].store(kNoHolder, std::memory_order_relaxed);
  tables_->meaning[holder].store(0, std::memory_order_relaxed);
  return holder;
}

}  // namespace kv
