#include "core/prefix_index.h"

#include <algorithm>

#include "core/block_depth.h"
#include "core/prefix_index_snapshot.h"
#include "core/prefix_index_writing.h"

namespace kv {
namespace {

// Where the rest of that table is too crowded for a block, the walk hurries towards it.
constexpr int kHurries = 16;
// Of a table of 64M slots.
constexpr int kImportHurries = 1 << 16;
constexpr uint64_t kHurryBuckets = 256;
constexpr size_t kPrefetchAhead = 32;

}  // namespace

// What comes before each block of a call: the share of pending work, and a look ahead.
void PrefixIndex::Prepare(std::span<const uint64_t> block_hashes, size_t next) {
  const size_t end = std::min(next + kPrefetchAhead, block_hashes.size());
  for (size_t ahead = next == 0 ? 0 : next + kPrefetchAhead - 1; ahead < end; ++ahead) {
    table_.PrefetchForWrite(KeyOf(block_hashes[ahead]));
  }
  Step(next);
}

PrefixIndex::PrefixIndex(const IndexSettings& settings)
    : tier_credits_(settings.tier_credits),
      budget_(settings.max_bytes),
      pool_(budget_),
      holders_(budget_),
      sets_(budget_, pool_, epochs_),
      copies_(budget_, pool_),
      table_(budget_, epochs_, kFirstHomeBuckets) {}

PrefixIndex::~PrefixIndex() = default;

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
    Touch(key);
    return true;
  }
  // Only where it decides something: it is one more line of memory to wait for.
  if (near_bound_) place.usefulness().stamp = evictor_.stamp();
  const HolderWord word = place.word();
  Touch(key);
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
    if (import_ != nullptr) {
      if (hurries == kImportHurries || !HurryImport()) return false;
      continue;
    }
    if (!table_.walking() || hurries == kHurries) return false;
    Advance(kHurryBuckets);
  }
  return true;
}

// Blocks of a snapshot come in the order of their homes: they crowd the front of a table that is
// too small for them long before it is full.
bool PrefixIndex::HurryImport() {
  if (!table_.walking() && !BeginResize(2 * table_.current().home_buckets())) return false;
  PublishEpoch();
  Renew();
  Advance(kHurryBuckets);
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
  Touch(key);
  if (!copies_.Take(key, holder)) TakeOut(place, holder);
  return true;
}

// Takes one holder out of a block; the last one takes the block with it.
void PrefixIndex::TakeOut(const GrowingTable::Place& place, HolderNumber holder) {
  const HolderWord word = place.word();
  const std::optional<HolderWord> without = sets_.Without(word, holder);
  if (!without.has_value() || *without == kNobody) {
    // Without memory for the smaller set the block is given up: never credit what is not held.
    if (!without.has_value()) CountRefused(1);
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
  Touch(key);
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
  TakeCensus();
  Advance(buckets);
  // Numbers that are swept rest until a snapshot is over: nothing can be done about them meanwhile.
  const bool recycles = export_ == nullptr && import_ == nullptr && !swept_.empty();
  return table_.walking() || !sweeping_.empty() || !waiting_.empty() || recycles ||
         table_.reclaimable() || sets_.reclaimable();
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
