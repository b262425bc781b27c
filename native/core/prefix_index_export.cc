// Writing the prefix index down while it changes.
//
// A snapshot passes over the blocks in the order of their homes, which is the same in tables of any
// size, so that the index may grow meanwhile. A block that changes behind the pass is noted and
// written again afterwards, in rounds that get shorter, since blocks are written faster than
// engines change them; the last round is short enough for one call. The end of the snapshot is
// therefore the index as it was when FinishExport returned, for every block at the same moment.
#include <algorithm>

#include "core/prefix_index_snapshot.h"
#include "core/prefix_index_writing.h"

namespace kv {
namespace {

// One call of ExportSlice: half a millisecond at most.
constexpr uint64_t kSliceBuckets = 2048;
constexpr uint64_t kStepBuckets = 64;
constexpr size_t kSliceBytes = size_t{192} << 10;
constexpr size_t kSliceTouched = 6000;
constexpr size_t kLastTouched = 6000;
constexpr size_t kPrefetchAhead = 24;
constexpr uint32_t kMostCopies = 255;

template <typename Value>
void Append(std::vector<uint8_t>& out, Value value) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof(Value));
}

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
    Append(out, record_tag::kUndefine);
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
    Append(out, record_tag::kDefine);
    Append(out, holder);
    Append(out, static_cast<uint16_t>(EndpointOf(meaning)));
    Append(out, static_cast<uint8_t>(TierOf(meaning)));
  });
  if (count == 0 && !again) return;
  const auto small = static_cast<uint8_t>(std::min<uint32_t>(count, record_tag::kCountFollows));
  Append(out, static_cast<uint8_t>(record_tag::kBlock | (again ? record_tag::kAgain : 0) |
                                   (copies ? record_tag::kCopies : 0) | small));
  if (small == record_tag::kCountFollows) Append(out, static_cast<uint16_t>(count));
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

}  // namespace kv
