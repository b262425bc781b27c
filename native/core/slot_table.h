// One table of fixed size from block hash to HolderWord: buckets of four slots, each bucket one
// cache line, overflowing into the buckets after it.
//
//   bucket   | key 0 | key 1 | key 2 | key 3 | word 0 | word 1 | word 2 | word 3 |   64 bytes
//
// Thread safety: one writer at a time, any number of readers that have entered a ReaderEpochs.
// Progress: Find is wait-free (at most kMaxProbes buckets).
// Invariants:
//  (1) A key never moves within a table.
//  (2) Between a key's home bucket and the bucket it lies in, no bucket has an empty slot; so a
//      search ends at the first bucket that has one.
//  (3) A slot takes another key only after every reader that could have seen the old key has left.
//      A reader's key and word therefore always belong together, although they are two loads: a
//      check of the key after the word would not show that (the key may go A, B, A meanwhile), and
//      a sequence number would make readers retry.
//  (4) A removed slot stays a tombstone at least until then; it becomes empty again only if no key
//      has overflowed across its bucket.
//
// Orders: keys are stored with release (1) after their word and loaded with acquire (2); words are
// stored with release (3) after what they point to and loaded with acquire (4).
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include "core/holder_word.h"
#include "core/memory_region.h"

namespace kv {

// A block hash as the table stores it: 0 and 1 are taken, and unlikely hashes stand in for them.
[[nodiscard]] constexpr uint64_t KeyOf(uint64_t block_hash) noexcept {
  const uint64_t key = block_hash ^ 0x5bd1e9955bd1e995;
  return key > 1 ? key : key + 2;
}

// How useful a block is when there is no room for all; kept beside the table, for the writer only.
struct Usefulness {
  uint8_t stamp = 0;  // when it was last stored, in periods of the index (prefix_index.h)
  uint8_t depth = 0;  // how far from the head of its prompt (block_depth.h)
};

class SlotTable {
 public:
  static constexpr int kSlotsPerBucket = 4;
  // At three quarters full, runs of full buckets in a table of 10^8 slots stay shorter than this.
  static constexpr uint64_t kMaxProbes = 256;
  static constexpr uint64_t kNoSlot = ~uint64_t{0};

  // data() of the memory may be refused: check ok().
  explicit SlotTable(uint64_t home_buckets) noexcept;
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;

  [[nodiscard]] static uint64_t BytesFor(uint64_t home_buckets) noexcept;
  [[nodiscard]] bool ok() const noexcept { return buckets_ != nullptr; }
  // Homes lie in [0, home_buckets()); the last ones overflow into [.., bucket_count()).
  [[nodiscard]] uint64_t home_buckets() const noexcept { return home_buckets_; }
  [[nodiscard]] uint64_t bucket_count() const noexcept { return home_buckets_ + kMaxProbes; }
  [[nodiscard]] uint64_t slot_count() const noexcept { return home_buckets_ * kSlotsPerBucket; }

  // A key's place in the order in which tables of any size keep their homes.
  [[nodiscard]] static uint64_t OrderOf(uint64_t key) noexcept {
    uint64_t mixed = key * 0x9e3779b97f4a7c15;
    mixed ^= mixed >> 32;
    return mixed * 0xd6e8feb86659fd93;
  }
  [[nodiscard]] uint64_t HomeAt(uint64_t order) const noexcept {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(order) * home_buckets_) >> 64);
  }
  // Keys keep their order of homes in a table of another size: growing walks both from the front.
  [[nodiscard]] uint64_t HomeOf(uint64_t key) const noexcept { return HomeAt(OrderOf(key)); }

  // --- readers ---
  // Inlined by force: to the compiler a function that only prefetches has no effect and may go.
  [[gnu::always_inline]] void Prefetch(uint64_t home) const noexcept {
    __builtin_prefetch(&buckets_[home]);
  }
  // What the home bucket alone says of the key: its word, kNobody, or kGoesOnWord; then the next
  // bucket is on its way.
  [[gnu::always_inline]] [[nodiscard]] HolderWord FindAtHome(uint64_t key,
                                                             uint64_t home) const noexcept {
    const Probe probe = Look(buckets_[home], key);
    if (probe.found != 0) [[likely]] {
      // (4) acquire-load: pairs with (3).
      return buckets_[home].words[std::countr_zero(probe.found)].load(std::memory_order_acquire);
    }
    if (probe.empty) return kNobody;
    Prefetch(home + 1);
    return kGoesOnWord;
  }
  // The word stored with the key, or kNobody.
  [[nodiscard]] HolderWord Find(uint64_t key, uint64_t home) const noexcept {
    for (uint64_t b = home; b < home + kMaxProbes; ++b) {
      const Probe probe = Look(buckets_[b], key);
      if (probe.found != 0) {
        // (4) acquire-load: pairs with (3).
        return buckets_[b].words[std::countr_zero(probe.found)].load(std::memory_order_acquire);
      }
      if (probe.empty) break;
    }
    return kNobody;
  }

  // --- writer ---
  [[nodiscard]] uint64_t Locate(uint64_t key) const noexcept;
  // Puts an absent key into the first slot that readers up to epoch `oldest` allow. kNoSlot: every
  // bucket within reach is full.
  [[nodiscard]] uint64_t Insert(uint64_t key, HolderWord word, Usefulness usefulness,
                                uint64_t oldest) noexcept;
  void SetWord(uint64_t slot, HolderWord word) noexcept {
    // (3) release-store: pairs with (4).
    WordAt(slot).store(word, std::memory_order_release);
  }
  // Removes the slot's key in epoch `epoch`.
  void Kill(uint64_t slot, uint64_t epoch) noexcept;
  // The slot's block has moved to another table. Publishes the copy: see (3).
  void MarkMoved(uint64_t slot) noexcept {
    SetWord(slot, kMovedWord);
    --live_;
  }
  // Makes tombstones of the bucket (and of those before it that waited for it) empty again, if no
  // search passes through them and their readers are gone.
  void Tidy(uint64_t bucket, uint64_t oldest) noexcept;

  // Key and word of a slot; a key that IsBlock is stored here.
  [[nodiscard]] uint64_t key(uint64_t slot) const noexcept {
    return KeyAt(slot).load(std::memory_order_relaxed);
  }
  [[nodiscard]] HolderWord word(uint64_t slot) const noexcept {
    return WordAt(slot).load(std::memory_order_relaxed);
  }
  [[nodiscard]] static bool IsBlock(uint64_t key) noexcept { return key > kTombstone; }
  // Visits the slots of all blocks whose order lies in [first, last].
  template <typename Visit>
  void ForEachInOrder(uint64_t first, uint64_t last, Visit&& visit) const {
    const uint64_t end = HomeAt(last) + 1;
    for (uint64_t b = HomeAt(first); b < bucket_count(); ++b) {
      for (uint64_t slot = b * kSlotsPerBucket; slot < (b + 1) * kSlotsPerBucket; ++slot) {
        const uint64_t at = key(slot);
        if (!IsBlock(at) || IsGone(word(slot))) continue;
        const uint64_t order = OrderOf(at);
        if (order >= first && order <= last) visit(slot);
      }
      // By invariant (2) nothing has overflowed beyond an empty slot.
      if (b + 1 >= end && HasEmpty(b)) break;
    }
  }
  [[nodiscard]] Usefulness& usefulness(uint64_t slot) const noexcept { return usefulness_[slot]; }
  [[nodiscard]] uint64_t live() const noexcept { return live_; }
  [[nodiscard]] uint64_t tombstones() const noexcept { return tombstones_; }

  // Gives the memory of buckets [first, end) back. REQUIRES: nobody looks at them any more, nor at
  // those before, which have been released.
  void ReleaseBuckets(uint64_t first, uint64_t end) noexcept;

 private:
  static constexpr uint64_t kEmpty = 0;
  static constexpr uint64_t kTombstone = 1;

  struct alignas(64) Bucket {
    std::atomic<uint64_t> keys[kSlotsPerBucket];
    std::atomic<HolderWord> words[kSlotsPerBucket];
  };
  static_assert(sizeof(Bucket) == 64 && std::atomic<uint64_t>::is_always_lock_free);

  struct Probe {
    uint32_t found;  // one bit a slot
    bool empty;
  };
  // Without branches: which of the four slots holds the key cannot be foretold.
  [[nodiscard]] static Probe Look(const Bucket& bucket, uint64_t key) noexcept {
    // (2) acquire-loads: pair with (1).
    const uint64_t key0 = bucket.keys[0].load(std::memory_order_acquire);
    const uint64_t key1 = bucket.keys[1].load(std::memory_order_acquire);
    const uint64_t key2 = bucket.keys[2].load(std::memory_order_acquire);
    const uint64_t key3 = bucket.keys[3].load(std::memory_order_acquire);
    const uint32_t found =
        static_cast<uint32_t>(key0 == key) | static_cast<uint32_t>(key1 == key) << 1 |
        static_cast<uint32_t>(key2 == key) << 2 | static_cast<uint32_t>(key3 == key) << 3;
    const bool empty =
        static_cast<uint32_t>(key0 == kEmpty) | static_cast<uint32_t>(key1 == kEmpty) |
        static_cast<uint32_t>(key2 == kEmpty) | static_cast<uint32_t>(key3 == kEmpty);
    return {found, empty};
  }

  [[nodiscard]] std::atomic<uint64_t>& KeyAt(uint64_t slot) const noexcept {
    return buckets_[slot / kSlotsPerBucket].keys[slot % kSlotsPerBucket];
  }
  [[nodiscard]] std::atomic<HolderWord>& WordAt(uint64_t slot) const noexcept {
    return buckets_[slot / kSlotsPerBucket].words[slot % kSlotsPerBucket];
  }
  [[nodiscard]] bool HasEmpty(uint64_t bucket) const noexcept;
  [[nodiscard]] bool PassedThrough(uint64_t bucket) const noexcept;

  uint64_t home_buckets_;
  MemoryRegion region_;
  Bucket* buckets_;
  Usefulness* usefulness_;
  uint64_t live_ = 0;
  uint64_t tombstones_ = 0;
};

}  // namespace kv
