// A SlotTable that changes its size while it is read and written.
//
// Growing (or shrinking) is a walk: a cursor passes over the old table's buckets from the front
// and moves each block into the same relative place of the new table. What has its home before the
// cursor belongs into the new table, the rest stays in the old one, so that memory is taken and
// given back as the cursor moves and is never needed twice.
//
//   old      | moved, given back ........ | cursor > still in use ........... |
//   current  | in use ......................... | untouched ......................................
//   |
//
// Thread safety: one writer at a time; Read, Prefetch and Find by any reader inside ReaderEpochs.
// Progress: Find is wait-free. Readers never see a half-moved block:
//  (1) A block is inserted into the new table before its old slot says "moved", and the cursor
//      passes a bucket only after its blocks have moved.
//  (2) A reader looks into the old table first, unless its home lies so far before the cursor that
//      the block cannot be there, and then into the new one.
//  (3) A reader whose view is of an earlier walk meets a moved slot in what it takes for the
//      newest table; it then takes a new view for this block.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

#include "core/reader_epochs.h"
#include "core/slot_table.h"

namespace kv {

class GrowingTable {
 public:
  // A table and a slot of it; no table: not found.
  struct Place {
    SlotTable* table = nullptr;
    uint64_t slot = SlotTable::kNoSlot;

    [[nodiscard]] explicit operator bool() const noexcept { return table != nullptr; }
    [[nodiscard]] HolderWord word() const noexcept { return table->word(slot); }
    [[nodiscard]] Usefulness& usefulness() const noexcept { return table->usefulness(slot); }
  };
  // What a reader sees of the tables during one match.
  struct View {
    const SlotTable* old;  // null: nothing is moving
    const SlotTable* current;
    uint64_t cursor;
  };

  GrowingTable(MemoryBudget& budget, const ReaderEpochs& epochs, uint64_t home_buckets);
  ~GrowingTable();
  GrowingTable(const GrowingTable&) = delete;
  GrowingTable& operator=(const GrowingTable&) = delete;

  // --- readers ---
  [[nodiscard]] View Read() const noexcept;
  // Starts to load the bucket in which a search for the key begins, and returns that bucket's
  // number in the current table, which Find takes.
  [[gnu::always_inline]] static uint64_t Prefetch(const View& view, uint64_t key) noexcept {
    const uint64_t home = view.current->HomeOf(key);
    if (view.old != nullptr) [[unlikely]] {
      const uint64_t old_home = view.old->HomeOf(key);
      if (old_home >= view.cursor) {
        view.old->Prefetch(old_home);
        return home;
      }
    }
    view.current->Prefetch(home);
    return home;
  }
  // The same as Find, but kGoesOnWord where it would have to wait for more than the key's home
  // bucket; the next one is then on its way.
  [[gnu::always_inline]] [[nodiscard]] HolderWord TryFind(const View& view, uint64_t key,
                                                          uint64_t home) const noexcept {
    if (view.old == nullptr) [[likely]] {
      const HolderWord word = view.current->FindAtHome(key, home);
      if (!IsGone(word)) [[likely]]
        return word;
    }
    return FindMoving(view, key);
  }
  // The key's holders, or kNobody. Never a dead or a moved word.
  [[nodiscard]] HolderWord Find(const View& view, uint64_t key, uint64_t home) const noexcept {
    if (view.old == nullptr) [[likely]] {
      const HolderWord word = view.current->Find(key, home);
      if (!IsGone(word)) [[likely]]
        return word;
    }
    return FindMoving(view, key);
  }

  // --- writer ---
  [[gnu::always_inline]] void PrefetchForWrite(uint64_t key) const noexcept {
    Prefetch({old_.get(), current_.get(), cursor_}, key);
  }
  [[nodiscard]] Place Locate(uint64_t key) const noexcept;
  // No place: every bucket within reach of the key's home is full. REQUIRES: the key is absent.
  [[nodiscard]] Place Insert(uint64_t key, HolderWord word, Usefulness usefulness,
                             uint64_t oldest) noexcept;
  void Kill(const Place& place);

  [[nodiscard]] bool walking() const noexcept { return old_ != nullptr; }
  // Whether a table of this size can be built within the budget, beside the old one's rest.
  [[nodiscard]] bool CanResize(uint64_t home_buckets) const noexcept;
  // Begins a walk; false if memory is refused. REQUIRES: not walking.
  [[nodiscard]] bool Resize(uint64_t home_buckets);
  // Moves up to `buckets` buckets. `settle(key, word)` may change a word on its way, or drop the
  // block by answering kNobody; `lose(key, word)` hears of a block that found no place.
  template <typename Settle, typename Lose>
  void Walk(uint64_t buckets, uint64_t oldest, Settle&& settle, Lose&& lose);

  // Frees what no reader that entered before epoch `oldest` can see any more.
  void Reclaim(uint64_t oldest);
  [[nodiscard]] bool reclaimable() const noexcept { return !retired_.empty() || !untidy_.empty(); }

  // Visits (table, slot) of all blocks whose order lies in [first, last]; see SlotTable::OrderOf.
  template <typename Visit>
  void ForEachInOrder(uint64_t first, uint64_t last, Visit&& visit) const {
    if (old_ != nullptr) {
      old_->ForEachInOrder(first, last, [&](uint64_t slot) {
        if (slot / SlotTable::kSlotsPerBucket >= cursor_) visit(*old_, slot);
      });
    }
    current_->ForEachInOrder(first, last, [&](uint64_t slot) { visit(*current_, slot); });
  }

  // The table that new sizes are judged by: the newest.
  [[nodiscard]] SlotTable& current() const noexcept { return *current_; }
  [[nodiscard]] uint64_t live() const noexcept {
    return current_->live() + (old_ == nullptr ? 0 : old_->live());
  }

 private:
  struct Phase {
    const SlotTable* old;
    const SlotTable* current;
    std::atomic<uint64_t> cursor;
  };
  // Something unlinked in `epoch`: buckets [first, end) of a table, or a whole table, or a phase.
  struct Retired {
    uint64_t epoch;
    SlotTable* table;
    uint64_t first;
    uint64_t end;
    std::unique_ptr<SlotTable> whole;
    std::unique_ptr<Phase> phase;
  };
  struct Untidy {
    uint64_t epoch;
    uint64_t generation;
    uint64_t bucket;
  };
  // A long stall of a reader must not turn removals into memory; what is dropped from the list
  // stays a tombstone, which an insertion nearby reuses.
  static constexpr size_t kMaxUntidy = size_t{1} << 16;
  // Memory moves between tables in slices: a sixteenth of the old one, 2 MiB at most.
  static constexpr uint64_t kMinSliceBuckets = 64;
  static constexpr uint64_t kMaxSliceBuckets = uint64_t{1} << 15;
  static constexpr int kMaxViews = 4;

  [[nodiscard]] HolderWord FindMoving(View view, uint64_t key) const noexcept;
  void Publish(std::unique_ptr<Phase> phase);
  [[nodiscard]] static uint64_t SliceBuckets(uint64_t home_buckets) noexcept;
  [[nodiscard]] uint64_t ShareOfNew(uint64_t old_bucket) const noexcept;
  [[nodiscard]] bool EnterSlice() noexcept;
  void LeaveSlice();
  void FinishWalk();

  MemoryBudget& budget_;
  const ReaderEpochs& epochs_;
  std::unique_ptr<SlotTable> old_;
  std::unique_ptr<SlotTable> current_;
  uint64_t cursor_ = 0;
  uint64_t slice_ = 0;       // buckets in a slice of old_
  uint64_t slice_end_ = 0;   // the cursor is in the slice that ends here
  uint64_t generation_ = 0;  // of current_; old_ has the one before
  std::unique_ptr<Phase> phase_;
  std::atomic<Phase*> published_{nullptr};
  std::deque<Retired> retired_;
  std::deque<Untidy> untidy_;
};

template <typename Settle, typename Lose>
void GrowingTable::Walk(uint64_t buckets, uint64_t oldest, Settle&& settle, Lose&& lose) {
  while (old_ != nullptr && buckets-- > 0) {
    if (cursor_ == slice_end_ && !EnterSlice()) return;
    const uint64_t first = cursor_ * SlotTable::kSlotsPerBucket;
    for (uint64_t slot = first; slot < first + SlotTable::kSlotsPerBucket; ++slot) {
      const uint64_t key = old_->key(slot);
      if (!SlotTable::IsBlock(key)) continue;
      const HolderWord word = settle(key, old_->word(slot));
      if (word == kNobody) {
        Kill({old_.get(), slot});
      } else if (current_->Insert(key, word, old_->usefulness(slot), oldest) ==
                 SlotTable::kNoSlot) {
        Kill({old_.get(), slot});
        lose(key, word);
      } else {
        old_->MarkMoved(slot);
      }
    }
    ++cursor_;
    // (5) release-store: pairs with (6); everything before the cursor is in the new table.
    phase_->cursor.store(cursor_, std::memory_order_release);
    if (cursor_ == slice_end_) LeaveSlice();
    if (cursor_ == old_->bucket_count()) FinishWalk();
  }
}

}  // namespace kv
