#include "core/growing_table.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace kv {

GrowingTable::GrowingTable(MemoryBudget& budget, const ReaderEpochs& epochs, uint64_t home_buckets)
    : budget_(budget), epochs_(epochs), current_(std::make_unique<SlotTable>(home_buckets)) {
  // Some kilobytes: without them nothing would work anyway.
  if (!current_->ok()) std::abort();
  budget_.Take(SlotTable::BytesFor(home_buckets));
  phase_ = std::make_unique<Phase>();
  phase_->current = current_.get();
  published_.store(phase_.get(), std::memory_order_release);
}

GrowingTable::~GrowingTable() = default;

GrowingTable::View GrowingTable::Read() const noexcept {
  // (8) acquire-load: pairs with (7).
  const Phase* const phase = published_.load(std::memory_order_acquire);
  // (6) acquire-load: pairs with (5).
  return {phase->old, phase->current, phase->cursor.load(std::memory_order_acquire)};
}

// A search while blocks move between tables, or that met a block which has gone.
HolderWord GrowingTable::FindMoving(View view, uint64_t key) const noexcept {
  for (int views = 0; views < kMaxViews; ++views) {
    if (view.old != nullptr) {
      const uint64_t home = view.old->HomeOf(key);
      if (home + SlotTable::kMaxProbes > view.cursor) {
        const HolderWord word = view.old->Find(key, home);
        if (word != kNobody && word != kMovedWord) return IsDead(word) ? kNobody : word;
        if (word == kNobody && home >= view.cursor) return kNobody;
      }
    }
    const HolderWord word = view.current->Find(key, view.current->HomeOf(key));
    if (word != kMovedWord) return IsDead(word) ? kNobody : word;
    // Whoever reads "moved" (acquire) also reads the phase that was published before it.
    view = Read();
  }
  // Four walks have begun during one call: a block that cannot be caught counts as not held.
  return kNobody;
}

void GrowingTable::PrefetchForWrite(uint64_t key) const noexcept {
  Prefetch({old_.get(), current_.get(), cursor_}, key);
}

GrowingTable::Place GrowingTable::Locate(uint64_t key) const noexcept {
  if (old_ != nullptr) {
    const uint64_t home = old_->HomeOf(key);
    if (home + SlotTable::kMaxProbes > cursor_) {
      const uint64_t slot = old_->Locate(key);
      if (slot != SlotTable::kNoSlot && old_->word(slot) != kMovedWord) return {old_.get(), slot};
      if (home >= cursor_) return {};
    }
  }
  const uint64_t slot = current_->Locate(key);
  if (slot == SlotTable::kNoSlot) return {};
  return {current_.get(), slot};
}

GrowingTable::Place GrowingTable::Insert(uint64_t key, HolderWord word, Usefulness usefulness,
                                         uint64_t oldest) noexcept {
  SlotTable* const table =
      old_ != nullptr && old_->HomeOf(key) >= cursor_ ? old_.get() : current_.get();
  const uint64_t slot = table->Insert(key, word, usefulness, oldest);
  if (slot == SlotTable::kNoSlot) return {};
  return {table, slot};
}

void GrowingTable::Kill(const Place& place) {
  place.table->Kill(place.slot, epochs_.current());
  if (untidy_.size() >= kMaxUntidy) return;
  const uint64_t generation = generation_ - (place.table == current_.get() ? 0 : 1);
  untidy_.push_back({epochs_.current(), generation, place.slot / SlotTable::kSlotsPerBucket});
}

uint64_t GrowingTable::SliceBuckets(uint64_t home_buckets) noexcept {
  return std::clamp(home_buckets / 16, kMinSliceBuckets, kMaxSliceBuckets);
}

bool GrowingTable::CanResize(uint64_t home_buckets) const noexcept {
  const uint64_t wanted = SlotTable::BytesFor(home_buckets);
  const uint64_t had = SlotTable::BytesFor(current_->home_buckets());
  // While the cursor moves, two slices of either table are in use twice.
  const uint64_t slice = SliceBuckets(current_->home_buckets());
  const uint64_t slack = 2 * (had + wanted) * slice / current_->home_buckets();
  return wanted + slack <= had || budget_.Fits(wanted + slack - had);
}

bool GrowingTable::Resize(uint64_t home_buckets) {
  auto grown = std::make_unique<SlotTable>(home_buckets);
  if (!grown->ok()) return false;
  old_ = std::move(current_);
  current_ = std::move(grown);
  cursor_ = 0;
  slice_ = SliceBuckets(old_->home_buckets());
  slice_end_ = 0;
  ++generation_;
  auto phase = std::make_unique<Phase>();
  phase->old = old_.get();
  phase->current = current_.get();
  Publish(std::move(phase));
  return true;
}

void GrowingTable::Publish(std::unique_ptr<Phase> phase) {
  // (7) release-store: pairs with (8).
  published_.store(phase.get(), std::memory_order_release);
  retired_.push_back(
      {epochs_.current(), nullptr, 0, 0, nullptr, std::exchange(phase_, std::move(phase))});
}

// Bytes of the new table that are in use once the cursor stands at `old_bucket`.
uint64_t GrowingTable::ShareOfNew(uint64_t old_bucket) const noexcept {
  const auto bytes = static_cast<unsigned __int128>(SlotTable::BytesFor(current_->home_buckets()));
  return static_cast<uint64_t>(bytes * old_bucket / old_->bucket_count());
}

bool GrowingTable::EnterSlice() noexcept {
  const uint64_t end = std::min(cursor_ + slice_, old_->bucket_count());
  const uint64_t bytes = ShareOfNew(end) - ShareOfNew(cursor_);
  // Over the budget although CanResize said yes: readers hold up old slices. Wait for them.
  if (!budget_.Fits(bytes) && !retired_.empty()) return false;
  budget_.Take(bytes);
  slice_end_ = end;
  return true;
}

void GrowingTable::LeaveSlice() {
  const uint64_t first = (slice_end_ - 1) / slice_ * slice_;
  retired_.push_back({epochs_.current(), old_.get(), first, slice_end_, nullptr, nullptr});
}

void GrowingTable::FinishWalk() {
  auto phase = std::make_unique<Phase>();
  phase->current = current_.get();
  Publish(std::move(phase));
  retired_.push_back({epochs_.current(), nullptr, 0, 0, std::move(old_), nullptr});
}

void GrowingTable::Reclaim(uint64_t oldest) {
  while (!retired_.empty() && retired_.front().epoch < oldest) {
    const Retired& retired = retired_.front();
    if (retired.table != nullptr) {
      // A search may begin up to kMaxProbes before the cursor and must pass on to blocks that have
      // overflowed beyond it, so as many buckets of the slice wait for the next one.
      const uint64_t margin = SlotTable::kMaxProbes;
      const uint64_t first = retired.first - std::min(retired.first, margin);
      if (retired.end > first + margin) retired.table->ReleaseBuckets(first, retired.end - margin);
      const uint64_t bytes = SlotTable::BytesFor(retired.table->home_buckets());
      const auto share = [&](uint64_t bucket) {
        return static_cast<uint64_t>(static_cast<unsigned __int128>(bytes) * bucket /
                                     retired.table->bucket_count());
      };
      budget_.Give(share(retired.end) - share(retired.first));
    }
    retired_.pop_front();
  }
  while (!untidy_.empty() && untidy_.front().epoch < oldest) {
    const Untidy untidy = untidy_.front();
    untidy_.pop_front();
    if (untidy.generation == generation_) {
      current_->Tidy(untidy.bucket, oldest);
    } else if (old_ != nullptr && untidy.generation + 1 == generation_ &&
               untidy.bucket >= cursor_) {
      old_->Tidy(untidy.bucket, oldest);
    }
  }
}

}  // namespace kv
