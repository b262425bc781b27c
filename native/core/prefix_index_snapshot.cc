// Writing the prefix index down while it changes, and taking such a snapshot in.
//
// A snapshot passes over the blocks in the order of their homes, which is the same in tables of any
// size, so that the index may grow meanwhile. A block that changes behind the pass is noted and
// written again afterwards, in rounds that get shorter, since blocks are written faster than
// engines change them; the last round is short enough for one call. The end of the snapshot is
// therefore the index as it was when FinishExport returned, for every block at the same moment.
#include "core/prefix_index_snapshot.h"

#include <algorithm>
#include <cstring>

#include "core/prefix_index_writing.h"

namespace kv {
namespace {

constexpr uint8_t kDefine = 0x00;
constexpr uint8_t kUndefine = 0x01;
constexpr uint8_t kBlock = 0x80;
constexpr uint8_t kAgain = 0x40;
constexpr uint8_t kCopies = 0x20;
constexpr uint8_t kCountFollows = 0x1f;

// One call of ExportSlice: half a millisecond at most.
constexpr uint64_t kSliceBuckets = 2048;
constexpr uint64_t kStepBuckets = 64;
constexpr size_t kSliceBytes = size_t{192} << 10;
constexpr size_t kSliceTouched = 6000;
constexpr size_t kLastTouched = 6000;
constexpr size_t kPrefetchAhead = 24;
constexpr uint32_t kMostCopies = 255;
// Home buckets for the blocks of a snapshot: half of the slots stay free.
constexpr uint64_t kBlocksPerBucket = SlotTable::kSlotsPerBucket / 2;

template <typename Value>
void Append(std::vector<uint8_t>& out, Value value) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof(Value));
}

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

bool PrefixIndex::BeginExport() {
  const Writing writing(*this);
  if (export_ != nullptr) return false;
  export_ = std::make_unique<Export>();
  return true;
}

PrefixIndex::ExportState PrefixIndex::ExportSlice(std::vector<uint8_t>& out) {
  const Writing writing(*this);
  if (export_ == nullptr) return ExportState::kFailed;
  Export& state = *export_;
  if (state.failed) {
    export_.reset();
    return ExportState::kFailed;
  }
  const uint64_t homes = table_.current().home_buckets();
  const uint64_t step = ~uint64_t{0} / homes * kStepBuckets;
  for (uint64_t done = 0; !state.passed && done < kSliceBuckets && out.size() < kSliceBytes;
       done += kStepBuckets) {
    const uint64_t first = state.next_order;
    state.passed = ~uint64_t{0} - first < step;
    const uint64_t last = state.passed ? ~uint64_t{0} : first + step - 1;
    table_.ForEachInOrder(first, last, [&](const SlotTable& table, uint64_t slot) {
      WriteBlock(out, table.key(slot), table.word(slot), table.usefulness(slot), false);
    });
    if (!state.passed) state.next_order = first + step;
  }
  if (!state.passed) return ExportState::kMore;
  if (out.empty()) WriteTouched(out, kSliceTouched);
  return state.touched.size() - state.next_touched <= kLastTouched ? ExportState::kLast
                                                                   : ExportState::kMore;
}

void PrefixIndex::FinishExport(std::vector<uint8_t>& out) {
  const Writing writing(*this);
  if (export_ == nullptr) return;
  WriteTouched(out, export_->touched.size());
  for (uint32_t number = 1; number <= kLastHolder; ++number) {
    const auto holder = static_cast<HolderNumber>(number);
    if (!export_->defined[holder] || holders_.Meaning(holder) != kDeadHolder) continue;
    Append(out, kUndefine);
    Append(out, holder);
  }
  export_.reset();
}

void PrefixIndex::CancelExport() {
  const Writing writing(*this);
  export_.reset();
}

void PrefixIndex::TouchExported(uint64_t key) {
  Export& state = *export_;
  if (!state.passed && SlotTable::OrderOf(key) >= state.next_order) return;
  if (state.touched.size() == Export::kMostTouched) {
    state.failed = true;
    state.touched.clear();
    state.next_touched = 0;
  }
  if (!state.failed) state.touched.push_back(key);
}

void PrefixIndex::WriteTouched(std::vector<uint8_t>& out, size_t most) {
  Export& state = *export_;
  const size_t end = std::min(state.touched.size(), state.next_touched + most);
  for (size_t i = state.next_touched; i < end; ++i) {
    if (i + kPrefetchAhead < end) table_.PrefetchForWrite(state.touched[i + kPrefetchAhead]);
    const uint64_t key = state.touched[i];
    const GrowingTable::Place place = table_.Locate(key);
    if (place) {
      WriteBlock(out, key, place.word(), place.usefulness(), true);
    } else {
      WriteBlock(out, key, kNobody, {}, true);
    }
  }
  state.next_touched = end;
  if (end == state.touched.size()) {
    state.touched.clear();
    state.next_touched = 0;
  }
}

void PrefixIndex::WriteBlock(std::vector<uint8_t>& out, uint64_t key, HolderWord word,
                             Usefulness usefulness, bool again) {
  uint32_t count = 0;
  bool copies = false;
  ForEachHolder(word, [&](HolderNumber holder) {
    const HolderMeaning meaning = holders_.Meaning(holder);
    if (meaning == kDeadHolder) return;
    ++count;
    copies |= copies_.Beyond(key, holder) > 0;
    if (export_->defined[holder]) return;
    export_->defined[holder] = true;
    Append(out, kDefine);
    Append(out, holder);
    Append(out, static_cast<uint16_t>(EndpointOf(meaning)));
    Append(out, static_cast<uint8_t>(TierOf(meaning)));
  });
  if (count == 0 && !again) return;
  const auto small = static_cast<uint8_t>(std::min<uint32_t>(count, kCountFollows));
  Append(out, static_cast<uint8_t>(kBlock | (again ? kAgain : 0) | (copies ? kCopies : 0) | small));
  if (small == kCountFollows) Append(out, static_cast<uint16_t>(count));
  Append(out, key);
  Append(out, evictor_.AgeOf(usefulness));
  Append(out, usefulness.depth);
  ForEachHolder(word, [&](HolderNumber holder) {
    if (holders_.Meaning(holder) != kDeadHolder) Append(out, holder);
  });
  if (!copies) return;
  ForEachHolder(word, [&](HolderNumber holder) {
    if (holders_.Meaning(holder) == kDeadHolder) return;
    Append(out, static_cast<uint8_t>(std::min(copies_.Beyond(key, holder), kMostCopies)));
  });
}

void PrefixIndex::BeginImport(uint64_t blocks, std::span<const uint16_t> endpoints) {
  const Writing writing(*this);
  import_ = std::make_unique<Import>();
  import_->endpoints.assign(endpoints.begin(), endpoints.end());
  const uint64_t homes = blocks / kBlocksPerBucket;
  // Room for all at once spares the walks between; an index that is in use grows as it needs to.
  if (table_.walking() || table_.live() > 0 || homes <= table_.current().home_buckets()) return;
  if (BeginResize(homes)) {
    while (table_.walking()) Advance(kSliceBuckets);
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
    if (tag == kDefine || tag == kUndefine) {
      if (!reader.Has(tag == kDefine ? 5 : 2)) return "a record breaks off";
      // What came before it in the slice had the old meaning.
      put();
      const auto number = reader.Take<uint16_t>();
      if (tag == kUndefine) {
        Undefine(number);
        continue;
      }
      const auto endpoint = reader.Take<uint16_t>();
      const auto tier = reader.Take<uint8_t>();
      if (endpoint >= kMaxEndpoints || tier >= kTiers) return "a holder cannot be one";
      Define(number, endpoint, static_cast<Tier>(tier));
      continue;
    }
    if ((tag & kBlock) == 0) return "a record of an unknown kind";
    uint32_t count = tag & kCountFollows;
    if (count == kCountFollows) {
      if (!reader.Has(2)) return "a record breaks off";
      count = reader.Take<uint16_t>();
    }
    const bool copies = (tag & kCopies) != 0;
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
    state.records.push_back({key, first, count, age, depth, (tag & kAgain) != 0});
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
