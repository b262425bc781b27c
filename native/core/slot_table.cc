#include "core/slot_table.h"

#include <algorithm>

namespace kv {

uint64_t SlotTable::BytesFor(uint64_t home_buckets) noexcept {
  const uint64_t buckets = home_buckets + kMaxProbes;
  return buckets * (sizeof(Bucket) + kSlotsPerBucket * sizeof(Usefulness));
}

SlotTable::SlotTable(uint64_t home_buckets) noexcept
    : home_buckets_(home_buckets),
      region_(BytesFor(home_buckets)),
      buckets_(reinterpret_cast<Bucket*>(region_.data())),
      usefulness_(ok() ? reinterpret_cast<Usefulness*>(&buckets_[bucket_count()]) : nullptr) {}

uint64_t SlotTable::Locate(uint64_t key) const noexcept {
  const uint64_t home = HomeOf(key);
  for (uint64_t b = home; b < home + kMaxProbes; ++b) {
    const Probe probe = Look(buckets_[b], key);
    if (probe.found != 0) {
      return b * kSlotsPerBucket + static_cast<uint64_t>(std::countr_zero(probe.found));
    }
    if (probe.empty) break;
  }
  return kNoSlot;
}

uint64_t SlotTable::Insert(uint64_t key, HolderWord word, Usefulness usefulness,
                           uint64_t oldest) noexcept {
  const uint64_t first = HomeOf(key) * kSlotsPerBucket;
  for (uint64_t slot = first; slot < first + kMaxProbes * kSlotsPerBucket; ++slot) {
    const uint64_t at = this->key(slot);
    if (at == kTombstone && DeathOf(this->word(slot)) < oldest) {
      --tombstones_;
    } else if (at != kEmpty) {
      continue;
    }
    SetWord(slot, word);
    // (1) release-store: pairs with (2); whoever sees the key sees its word.
    KeyAt(slot).store(key, std::memory_order_release);
    usefulness_[slot] = usefulness;
    ++live_;
    return slot;
  }
  return kNoSlot;
}

void SlotTable::Kill(uint64_t slot, uint64_t epoch) noexcept {
  // Relaxed, both: a reader finds the key's word, or a dead one, or no key; each is an answer.
  KeyAt(slot).store(kTombstone, std::memory_order_relaxed);
  WordAt(slot).store(DeadWord(epoch), std::memory_order_relaxed);
  --live_;
  ++tombstones_;
}

bool SlotTable::HasEmpty(uint64_t bucket) const noexcept {
  return Look(buckets_[bucket], kEmpty).empty;
}

// Whether a search for some key begins at or before the bucket and goes on after it.
bool SlotTable::PassedThrough(uint64_t bucket) const noexcept {
  const uint64_t end = std::min(bucket + kMaxProbes, bucket_count());
  for (uint64_t b = bucket + 1; b < end; ++b) {
    for (uint64_t slot = b * kSlotsPerBucket; slot < (b + 1) * kSlotsPerBucket; ++slot) {
      const uint64_t at = key(slot);
      if (IsBlock(at) && HomeOf(at) <= bucket) return true;
    }
    if (HasEmpty(b)) return false;
  }
  return false;
}

void SlotTable::Tidy(uint64_t bucket, uint64_t oldest) noexcept {
  for (uint64_t b = bucket;; --b) {
    bool waiting = false;
    if (HasEmpty(b) || !PassedThrough(b)) {
      for (uint64_t slot = b * kSlotsPerBucket; slot < (b + 1) * kSlotsPerBucket; ++slot) {
        if (key(slot) != kTombstone || DeathOf(word(slot)) >= oldest) continue;
        WordAt(slot).store(kNobody, std::memory_order_relaxed);
        // Relaxed: searches that end here one load earlier or later find the same.
        KeyAt(slot).store(kEmpty, std::memory_order_relaxed);
        --tombstones_;
      }
    } else {
      return;
    }
    if (b == 0) return;
    for (uint64_t slot = (b - 1) * kSlotsPerBucket; slot < b * kSlotsPerBucket; ++slot) {
      waiting |= key(slot) == kTombstone && DeathOf(word(slot)) < oldest;
    }
    if (!waiting) return;
  }
}

void SlotTable::ReleaseBuckets(uint64_t first, uint64_t end) noexcept {
  region_.Release(0, first * sizeof(Bucket), end * sizeof(Bucket));
  constexpr uint64_t kBeside = kSlotsPerBucket * sizeof(Usefulness);
  const uint64_t begin = bucket_count() * sizeof(Bucket);
  region_.Release(begin, begin + first * kBeside, begin + end * kBeside);
}

}  // namespace kv
