// The slow work of the prefix index, done in small steps beside the writing calls: reclaiming,
// growing and shrinking, sweeping dead holders out, making room at the byte bound.
#include <algorithm>
#include <array>
#include <chrono>

#include "core/prefix_index.h"
#include "core/prefix_index_snapshot.h"

namespace kv {
namespace {

// Above this share of used slots (of 256) the table grows; below that of blocks it shrinks, to a
// size in which they take the third share.
constexpr uint64_t kFullShare = 192;
constexpr uint64_t kSparseShare = 28;
constexpr uint64_t kRoomyShare = 100;
// Quarters of the size to grow to: twice as big, or as much as the byte bound allows.
constexpr std::array<uint64_t, 3> kGrowths = {8, 6, 5};
// Buckets that each block of a writing call moves or sweeps: four a block finish a walk before the
// table that is left behind has filled up by another sixteenth.
constexpr uint64_t kBucketsPerBlock = 4;
// A call with many blocks gives the memory of readers that have left back in between.
constexpr size_t kBlocksPerRenewal = 512;

}  // namespace

void PrefixIndex::TakeCensus() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  evictor_.Tick(
      static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
  // Half a table is no fair sample; the last one stands meanwhile.
  if (!table_.walking()) census_.Sample(table_.current(), evictor_);
}

// Learns how far the readers are, and frees what they have left behind.
void PrefixIndex::Renew() {
  oldest_ = epochs_.Oldest();
  table_.Reclaim(oldest_);
  sets_.Reclaim(oldest_);
  // A number means one thing throughout a snapshot.
  if (export_ != nullptr || import_ != nullptr) return;
  while (!swept_.empty() && swept_.front().epoch < oldest_) {
    holders_.Recycle(swept_.front().holder);
    swept_.pop_front();
  }
}

// What was unlinked so far belongs to the epoch that ends here.
void PrefixIndex::PublishEpoch() {
  if (table_.reclaimable() || sets_.reclaimable() || !swept_.empty()) epochs_.Advance();
}

// Whether a block may be inserted: grows the table when it is filling, and gives blocks up when it
// may not grow.
bool PrefixIndex::MakeRoom() {
  if (table_.walking()) return true;
  const SlotTable& current = table_.current();
  const uint64_t slots = current.slot_count();
  if ((current.live() + current.tombstones() + 1) * 256 <= slots * kFullShare) return true;
  // Mostly tombstones: the same size again is enough.
  if (current.live() * 256 <= slots * kFullShare * 3 / 4) {
    if (BeginResize(current.home_buckets())) return true;
  } else {
    for (const uint64_t quarters : kGrowths) {
      if (BeginResize(current.home_buckets() * quarters / 4)) return true;
    }
  }
  near_bound_ = true;
  // The share above counts tombstones too, but insertions reuse those.
  return (current.live() + 1) * 256 <= slots * kFullShare || Evict();
}

// Gives up the least useful of the next few hundred blocks; false if there was none.
bool PrefixIndex::Evict() {
  if (table_.walking()) return false;
  SlotTable& table = table_.current();
  const std::span<const uint64_t> victims = evictor_.NextVictims(table);
  for (const uint64_t slot : victims) KillBlock({&table, slot});
  CountRefused(victims.size());
  return !victims.empty();
}

void PrefixIndex::CountRefused(uint64_t blocks) noexcept {
  if (blocks == 0) return;
  // Relaxed, both: a number for people, it orders nothing.
  refused_blocks_.store(refused_blocks_.load(std::memory_order_relaxed) + blocks,
                        std::memory_order_relaxed);
}

// Moves to a smaller table when most of this one is empty.
void PrefixIndex::Shrink() {
  const SlotTable& current = table_.current();
  // A snapshot that is taken in has room made for it first.
  if (import_ != nullptr || table_.walking() || current.home_buckets() <= kFirstHomeBuckets ||
      current.live() * 256 > current.slot_count() * kSparseShare) {
    return;
  }
  const uint64_t slots = current.live() * 256 / kRoomyShare;
  BeginResize(std::max(kFirstHomeBuckets, slots / SlotTable::kSlotsPerBucket));
}

bool PrefixIndex::BeginResize(uint64_t home_buckets) {
  if (!table_.CanResize(home_buckets) || !table_.Resize(home_buckets)) return false;
  // The walk passes over every block, so it sweeps as it goes; what a sweep had begun is redone.
  sweeping_.insert(sweeping_.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
  ++pass_;
  return true;
}

// What every block of a writing call does besides; `block` counts them.
void PrefixIndex::Step(size_t block) {
  if (block % kBlocksPerRenewal == kBlocksPerRenewal - 1) {
    PublishEpoch();
    Renew();
  }
  Advance(kBucketsPerBlock);
}

// Does a share of the walk, or of the sweep, that is under way or due.
void PrefixIndex::Advance(uint64_t buckets) {
  if (table_.walking()) {
    table_.Walk(
        buckets, oldest_, [this](uint64_t key, HolderWord word) { return WithoutDead(key, word); },
        [this](uint64_t key, HolderWord word) { ForgetBlock(key, word); });
    if (!table_.walking()) {
      EndPass();
      near_bound_ = !table_.CanResize(table_.current().home_buckets() * 2);
    }
    return;
  }
  if (sweeping_.empty()) {
    if (waiting_.empty()) return;
    sweeping_.swap(waiting_);
    sweep_cursor_ = 0;
    ++pass_;
  }
  SweepBuckets(buckets);
}

// Takes dead holders out of the next buckets.
void PrefixIndex::SweepBuckets(uint64_t buckets) {
  SlotTable& table = table_.current();
  const uint64_t end = std::min(sweep_cursor_ + buckets, table.bucket_count());
  for (uint64_t slot = sweep_cursor_ * SlotTable::kSlotsPerBucket;
       slot < end * SlotTable::kSlotsPerBucket; ++slot) {
    const uint64_t key = table.key(slot);
    if (!SlotTable::IsBlock(key)) continue;
    const HolderWord word = table.word(slot);
    const HolderWord rest = WithoutDead(key, word);
    if (rest == word) continue;
    if (rest == kNobody) {
      table_.Kill({&table, slot});
    } else {
      table.SetWord(slot, rest);
    }
  }
  sweep_cursor_ = end;
  if (end == table.bucket_count()) EndPass();
}

// A pass over the whole table is done: the numbers it took out are nowhere any more.
void PrefixIndex::EndPass() {
  for (const HolderNumber holder : sweeping_) swept_.push_back({holder, epochs_.current()});
  sweeping_.clear();
}

// The word without the holders that this pass takes out, whose counts and references are given
// back.
HolderWord PrefixIndex::WithoutDead(uint64_t key, HolderWord word) {
  if (sweeping_.empty() || (IsSet(word) && SetOf(word)->clean_pass == pass_)) return word;
  std::array<HolderNumber, 64> dead;
  size_t count = 0;
  do {
    count = 0;
    ForEachHolder(word, [&](HolderNumber holder) {
      if (count < dead.size() && holders_.Meaning(holder) == kDeadHolder) dead[count++] = holder;
    });
    for (size_t i = 0; i < count; ++i) {
      const std::optional<HolderWord> without = sets_.Without(word, dead[i]);
      if (!without.has_value()) {
        CountRefused(1);
        ForgetBlock(key, word);
        return kNobody;
      }
      holders_.AddBlocks(dead[i], -1);
      copies_.Forget(key, dead[i]);
      sets_.Drop(word);
      word = *without;
    }
  } while (count == dead.size());
  if (IsSet(word)) SetOf(word)->clean_pass = pass_;
  return word;
}

}  // namespace kv
