#include "core/prefix_index.h"

#include <algorithm>
#include <array>

#include "core/block_depth.h"

namespace kv {
namespace {

constexpr uint64_t kFirstHomeBuckets = 1024;
// Above this share of used slots (0 to 256) the table grows; below that of live ones it shrinks.
constexpr uint64_t kFullShare = 192;
constexpr uint64_t kSparseShare = 32;
// Buckets that each block of a writing call moves or sweeps. Two a block finish a walk before the
// table that is left behind has filled up by another sixteenth.
constexpr uint64_t kBucketsPerBlock = 2;
constexpr size_t kPrefetchAhead = 16;

}  // namespace

// One writing call: takes its turn, learns what readers have left behind, and publishes the epoch
// that its own unlinks belong to.
struct PrefixIndex::Writing {
  explicit Writing(PrefixIndex& index) : index_(index), turn_(index.writing_) {
    index_.oldest_ = index_.epochs_.Oldest();
    index_.table_.Reclaim(index_.oldest_);
    index_.sets_.Reclaim(index_.oldest_);
    while (!index_.swept_.empty() && index_.swept_.front().epoch < index_.oldest_) {
      index_.holders_.Recycle(index_.swept_.front().holder);
      index_.swept_.pop_front();
    }
  }
  ~Writing() {
    if (index_.table_.reclaimable() || index_.sets_.reclaimable() || !index_.swept_.empty()) {
      index_.epochs_.Advance();
    }
    // Relaxed: a number for people, it orders nothing.
    index_.blocks_.store(index_.table_.live(), std::memory_order_relaxed);
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

 private:
  PrefixIndex& index_;
  std::lock_guard<std::mutex> turn_;
};

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
    if (i + kPrefetchAhead < block_hashes.size()) {
      table_.PrefetchForWrite(KeyOf(block_hashes[i + kPrefetchAhead]));
    }
    Advance(kBucketsPerBlock);
    const uint64_t key = KeyOf(block_hashes[i]);
    if (parent.has_value() || i > 0) depth = DepthAfter(depth, key);
    if (holder != kNoHolder && StoreOne(key, holder, depth)) ++stored;
  }
  const uint64_t refused = block_hashes.size() - stored;
  refused_blocks_.store(refused_blocks_.load(std::memory_order_relaxed) + refused,
                        std::memory_order_relaxed);
  return stored;
}

bool PrefixIndex::StoreOne(uint64_t key, HolderNumber holder, uint8_t depth) {
  const GrowingTable::Place place = table_.Locate(key);
  if (!place) {
    if (!MakeRoom()) return false;
    if (!table_.Insert(key, holder, {0, depth}, oldest_)) return false;
    holders_.AddBlocks(holder, 1);
    return true;
  }
  const HolderWord word = place.word();
  if (HasHolder(word, holder)) return copies_.Add(key, holder);
  const std::optional<HolderWord> with = sets_.With(word, holder);
  if (!with.has_value()) return false;
  place.table->SetWord(place.slot, *with);
  sets_.Drop(word);
  holders_.AddBlocks(holder, 1);
  return true;
}

uint32_t PrefixIndex::Remove(uint32_t endpoint, Tier tier, std::span<const uint64_t> block_hashes) {
  const Writing writing(*this);
  const HolderNumber holder = holders_.NumberOf(MeaningOf(endpoint, tier));
  uint32_t removed = 0;
  for (size_t i = 0; i < block_hashes.size(); ++i) {
    if (i + kPrefetchAhead < block_hashes.size()) {
      table_.PrefetchForWrite(KeyOf(block_hashes[i + kPrefetchAhead]));
    }
    Advance(kBucketsPerBlock);
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

// Whether a block may be inserted; begins to grow (or to clean up) when the table is filling.
bool PrefixIndex::MakeRoom() {
  const SlotTable& current = table_.current();
  if (table_.walking()) return true;
  const uint64_t used = current.live() + current.tombstones() + 1;
  if (used * 256 <= current.slot_count() * kFullShare) return true;
  // Mostly tombstones: the same size again is enough.
  const bool crowded = current.live() * 256 > current.slot_count() * kFullShare / 2;
  BeginResize(crowded ? current.home_buckets() * 2 : current.home_buckets());
  return table_.walking();
}

void PrefixIndex::BeginResize(uint64_t home_buckets) {
  if (!table_.CanResize(home_buckets) || !table_.Resize(home_buckets)) return;
  // The walk passes over every block, so it sweeps as it goes; what a sweep had begun is redone.
  sweeping_.insert(sweeping_.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
}

void PrefixIndex::Advance(uint64_t buckets) {
  if (table_.walking()) {
    table_.Walk(
        buckets, oldest_, [this](uint64_t key, HolderWord word) { return WithoutDead(key, word); },
        [this](uint64_t key, HolderWord word) { ForgetBlock(key, word); });
    if (!table_.walking()) EndPass();
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
