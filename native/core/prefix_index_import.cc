// Taking a snapshot of a prefix index in while the index is in use.
#include <algorithm>
#include <cstring>

#include "core/prefix_index_snapshot.h"
#include "core/prefix_index_writing.h"

namespace kv {
namespace {

constexpr size_t kPrefetchAhead = 24;
// Home buckets for the blocks of a snapshot: half of the slots stay free.
constexpr uint64_t kBlocksPerBucket = SlotTable::kSlotsPerBucket / 2;
// One step of making room for them.
constexpr uint64_t kStepBuckets = 2048;

// Reads values off the front of a slice.
class SliceReader {
 public:
  explicit SliceReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] bool Has(size_t bytes) const { return bytes_.size() >= bytes; }
  // REQUIRES: Has(sizeof(Value)).
  template <typename Value>
  Value Take() {
    Value value;
    std::memcpy(&value, bytes_.data(), sizeof(Value));
    bytes_ = bytes_.subspan(sizeof(Value));
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace

void PrefixIndex::BeginImport(uint64_t blocks, std::span<const uint16_t> endpoints) {
  const Writing writing(*this);
  import_ = std::make_unique<Import>();
  import_->endpoints.assign(endpoints.begin(), endpoints.end());
  const uint64_t homes = blocks / kBlocksPerBucket;
  // Room for all at once spares the walks between; an index that is in use grows as it needs to.
  if (table_.walking() || table_.live() > 0 || homes <= table_.current().home_buckets()) return;
  if (BeginResize(homes)) {
    while (table_.walking()) Advance(kStepBuckets);
  }
}

const char* PrefixIndex::ImportSlice(std::span<const uint8_t> slice) {
  const Writing writing(*this);
  Import& state = *import_;
  state.records.clear();
  state.members.clear();
  state.copies.clear();
  const auto put = [&] {
    for (size_t i = 0; i < state.records.size(); ++i) {
      if (i + kPrefetchAhead < state.records.size()) {
        table_.PrefetchForWrite(state.records[i + kPrefetchAhead].key);
      }
      Step(i);
      PutBlock(i);
    }
    state.records.clear();
    state.members.clear();
    state.copies.clear();
  };
  for (SliceReader reader(slice); !reader.empty();) {
    const auto tag = reader.Take<uint8_t>();
    if (tag == record_tag::kDefine || tag == record_tag::kUndefine) {
      if (!reader.Has(tag == record_tag::kDefine ? 5 : 2)) return "a record breaks off";
      // What came before it in the slice had the old meaning.
      put();
      const auto number = reader.Take<uint16_t>();
      if (tag == record_tag::kUndefine) {
        Undefine(number);
        continue;
      }
      const auto endpoint = reader.Take<uint16_t>();
      const auto tier = reader.Take<uint8_t>();
      if (endpoint >= kMaxEndpoints || tier >= kTiers) return "a holder cannot be one";
      Define(number, endpoint, static_cast<Tier>(tier));
      continue;
    }
    if ((tag & record_tag::kBlock) == 0) return "a record of an unknown kind";
    uint32_t count = tag & record_tag::kCountFollows;
    if (count == record_tag::kCountFollows) {
      if (!reader.Has(2)) return "a record breaks off";
      count = reader.Take<uint16_t>();
    }
    const bool copies = (tag & record_tag::kCopies) != 0;
    if (!reader.Has(10 + count * (copies ? 3u : 2u))) return "a record breaks off";
    const auto key = reader.Take<uint64_t>();
    if (!SlotTable::IsBlock(key)) return "a block's key cannot be one";
    const auto age = reader.Take<uint8_t>();
    const auto depth = reader.Take<uint8_t>();
    const auto first = static_cast<uint32_t>(state.members.size());
    for (uint32_t i = 0; i < count; ++i) {
      state.members.push_back(state.holders[reader.Take<uint16_t>()]);
    }
    for (uint32_t i = 0; i < count; ++i) {
      state.copies.push_back(copies ? reader.Take<uint8_t>() : uint8_t{0});
    }
    state.records.push_back({key, first, count, age, depth, (tag & record_tag::kAgain) != 0});
  }
  put();
  return nullptr;
}

void PrefixIndex::EndImport() {
  const Writing writing(*this);
  import_.reset();
}

void PrefixIndex::Define(uint32_t number, uint32_t endpoint, Tier tier) {
  Import& state = *import_;
  state.holders[number] = kNoHolder;
  if (endpoint >= state.endpoints.size()) return;
  const uint32_t own = state.endpoints[endpoint];
  if (own >= kMaxEndpoints) return;
  const HolderMeaning meaning = MeaningOf(own, tier);
  const HolderNumber known = holders_.NumberOf(meaning);
  if (known != kNoHolder && holders_.blocks(known) > 0) {
    state.brought[known] = false;
    waiting_.push_back(holders_.Kill(meaning));
  }
  const HolderNumber holder = holders_.Acquire(meaning);
  state.holders[number] = holder;
  if (holder == kNoHolder) return;
  state.brought[holder] = true;
  state.sources[holder] = static_cast<HolderNumber>(number);
}

void PrefixIndex::Undefine(uint32_t number) {
  Import& state = *import_;
  const HolderNumber holder = state.holders[number];
  state.holders[number] = kNoHolder;
  // One that had no blocks left when its successor was defined is the successor's now.
  if (holder == kNoHolder || state.sources[holder] != number) return;
  const HolderMeaning meaning = holders_.Meaning(holder);
  // Dead already: another number was defined for its endpoint's tier.
  if (meaning == kDeadHolder || holders_.blocks(holder) == 0) return;
  state.brought[holder] = false;
  waiting_.push_back(holders_.Kill(meaning));
}

// Puts a block of the current slice in: a new one at once, one that is known holder by holder.
void PrefixIndex::PutBlock(size_t at) {
  Import& state = *import_;
  const Import::Record& record = state.records[at];
  HolderNumber* const members = state.members.data() + record.first;
  uint8_t* const copies = state.copies.data() + record.first;
  uint32_t count = 0;
  for (uint32_t i = 0; i < record.count; ++i) {
    if (members[i] == kNoHolder || holders_.Meaning(members[i]) == kDeadHolder) continue;
    // By insertion: they are few, and in order unless endpoints have other places here.
    const HolderNumber holder = members[i];
    const uint8_t beyond = copies[i];
    uint32_t place = count++;
    for (; place > 0 && members[place - 1] > holder; --place) {
      members[place] = members[place - 1];
      copies[place] = copies[place - 1];
    }
    members[place] = holder;
    copies[place] = beyond;
  }
  const Usefulness usefulness{static_cast<uint8_t>(evictor_.stamp() - record.age), record.depth};
  if (!table_.Locate(record.key)) {
    if (count == 0) return;
    if (std::adjacent_find(members, members + count) != members + count) return;
    const std::optional<HolderWord> word = sets_.Of({members, count});
    if (!word.has_value() || !MakeRoom() || !Insert(record.key, *word, usefulness)) {
      if (word.has_value()) sets_.Drop(*word);
      CountRefused(1);
      return;
    }
    Touch(record.key);
    for (uint32_t i = 0; i < count; ++i) {
      holders_.AddBlocks(members[i], 1);
      for (uint32_t copy = 0; copy < copies[i]; ++copy) {
        if (!copies_.Add(record.key, members[i])) break;
      }
    }
    return;
  }
  if (record.again) {
    std::vector<HolderNumber> outdated;
    ForEachHolder(table_.Locate(record.key).word(), [&](HolderNumber holder) {
      if (state.brought[holder]) outdated.push_back(holder);
    });
    for (const HolderNumber holder : outdated) {
      copies_.Forget(record.key, holder);
      const GrowingTable::Place place = table_.Locate(record.key);
      if (place) TakeOut(place, holder);
    }
  }
  for (uint32_t i = 0; i < count; ++i) {
    for (uint32_t copy = 0; copy <= copies[i]; ++copy) {
      if (!StoreOne(record.key, members[i], record.depth)) CountRefused(1);
    }
  }
}

}  // namespace kv
