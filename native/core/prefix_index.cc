#include "core/prefix_index.h"

#include <algorithm>
#include <array>

#include "core/block_depth.h"

namespace kv {
namespace {

constexpr uint64_t kFirstHomeBuckets = 1024;
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
// Where the rest of that table is too crowded for a block, the walk hurries towards it.
constexpr int kHurries = 16;
constexpr uint64_t kHurryBuckets = 256;
// A call with many blocks gives the memory of readers that have left back in between.
constexpr size_t kBlocksPerRenewal = 512;
constexpr size_t kPrefetchAhead = 32;

}  // namespace

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

void PrefixIndex::Renew() {
  oldest_ = epochs_.Oldest();
  table_.Reclaim(oldest_);
  sets_.Reclaim(oldest_);
  while (!swept_.empty() && swept_.front().epoch < oldest_) {
    holders_.Recycle(swept_.front().holder);
    swept_.pop_front();
  }
}

void PrefixIndex::PublishEpoch() {
  if (table_.reclaimable() || sets_.reclaimable() || !swept_.empty()) epochs_.Advance();
}

// What comes before each block of a call: the share of pending work, and a look ahead.
void PrefixIndex::Prepare(std::span<const uint64_t> block_hashes, size_t next) {
  const size_t end = std::min(next + kPrefetchAhead, block_hashes.size());
  for (size_t ahead = next == 0 ? 0 : end - 1; ahead < end; ++ahead) {
    table_.PrefetchForWrite(KeyOf(block_hashes[ahead]));
  }
  if (next % kBlocksPerRenewal == kBlocksPerRenewal - 1) {
    PublishEpoch();
    Renew();
  }
  Advance(kBucketsPerBlock);
}

PrefixIndex::PrefixIndex(const IndexSettings& settings)
    : tier_credits_(settings.tier_credits),
      budget_(settings.max_bytes),
      pool_(budget_),
      holders_(budget_),
      sets_(budget_, pool_, epochs_),
      copies_(budget_, pool_),
      table_(budget_, epochs_, kFirstHomeBuckets) {}

uint32_t PrefixIndex::Store(uint32_t endpoint, Tier tier, std::span<const uint64_t> block_hashes,
                            std::optional<uint64_t> parent) {
  const Writing writing(*this);
  const HolderNumber holder = holders_.Acquire(MeaningOf(endpoint, tier));
  uint8_t depth = 0;
  if (parent.has_value()) {
    const uint64_t key = KeyOf(*parent);
    const GrowingTable::Place place = table_.Locate(key);
    if (place) depth = place.usefulness().depth;
  }
  uint32_t stored = 0;
  for (size_t i = 0; i < block_hashes.size(); ++i) {
    Prepare(block_hashes, i);
    const uint64_t key = KeyOf(block_hashes[i]);
    if (parent.has_value() || i > 0) depth = DepthAfter(depth, key);
    if (holder != kNoHolder && StoreOne(key, holder, depth)) ++stored;
  }
  CountRefused(block_hashes.size() - stored);
  return stored;
}

bool PrefixIndex::StoreOne(uint64_t key, HolderNumber holder, uint8_t depth) {
  const GrowingTable::Place place = table_.Locate(key);
  if (!place) {
    if (!MakeRoom() || !Insert(key, holder, {evictor_.stamp(), depth})) return false;
    evictor_.CountStore(table_.current().slot_count());
    holders_.AddBlocks(holder, 1);
    return true;
  }
  // Only where it decides something: it is one more line of memory to wait for.
  if (near_bound_) place.usefulness().stamp = evictor_.stamp();
  const HolderWord word = place.word();
  if (HasHolder(word, holder)) return copies_.Add(key, holder);
  const std::optional<HolderWord> with = sets_.With(word, holder);
  if (!with.has_value()) {
    // What goes now leaves memory for the sets of later stores.
    Evict();
    return false;
  }
  place.table->SetWord(place.slot, *with);
  sets_.Drop(word);
  holders_.AddBlocks(holder, 1);
  return true;
}

bool PrefixIndex::Insert(uint64_t key, HolderWord word, Usefulness usefulness) {
  for (int hurries = 0; !table_.Insert(key, word, usefulness, oldest_); ++hurries) {
    if (!table_.walking() || hurries == kHurries) return false;
    Advance(kHurryBuckets);
  }
  return true;
}

uint32_t PrefixIndex::Remove(uint32_t endpoint, Tier tier, std::span<const uint64_t> block_hashes) {
  const Writing writing(*this);
  const HolderNumber holder = holders_.NumberOf(MeaningOf(endpoint, tier));
  uint32_t removed = 0;
  for (size_t i = 0; i < block_hashes.size(); ++i) {
    Prepare(block_hashes, i);
    if (holder != kNoHolder && RemoveOne(KeyOf(block_hashes[i]), holder)) ++removed;
  }
  return removed;
}

bool PrefixIndex::RemoveOne(uint64_t key, HolderNumber holder) {
  const GrowingTable::Place place = table_.Locate(key);
  if (!place || !HasHolder(place.word(), holder)) return false;
  if (!copies_.Take(key, holder)) TakeOut(place, holder);
  return true;
}

// Takes one holder out of a block; the last one takes the block with it.
void PrefixIndex::TakeOut(const GrowingTable::Place& place, HolderNumber holder) {
  const HolderWord word = place.word();
  const std::optional<HolderWord> without = sets_.Without(word, holder);
  if (!without.has_value() || *without == kNobody) {
    // Without memory for the smaller set the block is given up: never credit what is not held.
    KillBlock(place);
    return;
  }
  place.table->SetWord(place.slot, *without);
  sets_.Drop(word);
  holders_.AddBlocks(holder, -1);
}

void PrefixIndex::KillBlock(const GrowingTable::Place& place) {
  const uint64_t key = place.table->key(place.slot);
  const HolderWord word = place.word();
  table_.Kill(place);
  ForgetBlock(key, word);
}

// What else is known of a block that has left the table.
void PrefixIndex::ForgetBlock(uint64_t key, HolderWord word) {
  ForEachHolder(word, [&](HolderNumber holder) {
    holders_.AddBlocks(holder, -1);
    copies_.Forget(key, holder);
  });
  sets_.Drop(word);
}

void PrefixIndex::Clear(uint32_t endpoint, std::optional<Tier> tier) {
  const Writing writing(*this);
  for (uint32_t t = 0; t < kTiers; ++t) {
    if (tier.has_value() && static_cast<Tier>(t) != *tier) continue;
    const HolderMeaning meaning = MeaningOf(endpoint, static_cast<Tier>(t));
    const HolderNumber known = holders_.NumberOf(meaning);
    if (known == kNoHolder || holders_.blocks(known) == 0) continue;
    waiting_.push_back(holders_.Kill(meaning));
  }
}

bool PrefixIndex::Maintain(uint32_t buckets) {
  const Writing writing(*this);
  Advance(buckets);
  return table_.walking() || !sweeping_.empty() || !waiting_.empty() || !swept_.empty() ||
         table_.reclaimable() || sets_.reclaimable();
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

void PrefixIndex::Shrink() {
  const SlotTable& current = table_.current();
  if (table_.walking() || current.home_buckets() <= kFirstHomeBuckets ||
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
  return true;
}

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
  }
  SweepBuckets(buckets);
}

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

// The word without dead holders, whose references and counts are given back.
HolderWord PrefixIndex::WithoutDead(uint64_t key, HolderWord word) {
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
        ForgetBlock(key, word);
        return kNobody;
      }
      holders_.AddBlocks(dead[i], -1);
      copies_.Forget(key, dead[i]);
      sets_.Drop(word);
      word = *without;
    }
  } while (count == dead.size());
  return word;
}

std::span<const EndpointMatch> PrefixIndex::Match(Matcher& matcher, uint32_t reader_hint,
                                                  std::span<const uint64_t> block_hashes) {
  const uint32_t place = epochs_.Enter(reader_hint);
  if (place == ReaderEpochs::kNoPlace) return {};
  const std::span<const EndpointMatch> matches =
      matcher.Match(table_, holders_, tier_credits_, block_hashes);
  epochs_.Leave(place);
  return matches;
}

IndexStats PrefixIndex::Stats() const noexcept {
  return {blocks_.load(std::memory_order_relaxed), budget_.used(), budget_.limit(),
          refused_blocks_.load(std::memory_order_relaxed)};
}

}  // namespace kv
