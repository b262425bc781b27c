// Snapshots of an index that is being written, slice by slice, and what another one learns from
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/prefix_index.h"
#include "stress/twin_index.h"
#include "test/check.h"

namespace kv::stress {

class SnapshotTrial {
 public:
  explicit SnapshotTrial(PrefixIndex& index) : index_(index), hint_(index.NewReaderHint()) {}

  // Takes the next slice; true when it was the last and must be compared before the index changes.
  [[nodiscard]] bool Advance() {
    if (!exporting_) {
      CHECK(index_.BeginExport());
      exporting_ = true;
      slices_.clear();
      return false;
    }
    std::vector<uint8_t> slice;
    const PrefixIndex::ExportState state = index_.ExportSlice(slice);
    CHECK(state != PrefixIndex::ExportState::kFailed);
    if (state == PrefixIndex::ExportState::kLast) {
      index_.FinishExport(slice);
      exporting_ = false;
    }
    slices_.push_back(std::move(slice));
    return !exporting_;
  }

  // What another index knows from the snapshot is what this one knows.
  void Compare(const std::vector<std::vector<uint64_t>>& prompts, uint32_t endpoints) {
    auto copy = std::make_unique<PrefixIndex>(IndexSettings{kCopyBytes, kCredits});
    std::vector<uint16_t> places(kMaxEndpoints);
    for (uint32_t e = 0; e < kMaxEndpoints; ++e) places[e] = static_cast<uint16_t>(e);
    copy->BeginImport(index_.Stats().blocks, places);
    for (const auto& slice : slices_) CHECK(copy->ImportSlice(slice) == nullptr);
    copy->EndImport();
    const uint32_t hint = copy->NewReaderHint();
    for (const auto& prompt : prompts) {
      const auto theirs = Matches(*copy, matcher_, hint, prompt);
      const auto ours = Matches(index_, matcher_, hint_, prompt);
      CHECK(Same(theirs, ours));
    }
    for (uint32_t e = 0; e < endpoints; ++e) {
      for (uint32_t t = 0; t < kTiers; ++t) {
        const auto tier = static_cast<Tier>(t);
        CHECK_EQUAL(copy->BlocksOf(e, tier), index_.BlocksOf(e, tier));
      }
    }
  }

  void Cancel() {
    if (exporting_) index_.CancelExport();
  }

 private:
  static constexpr uint64_t kCopyBytes = uint64_t{512} << 20;

  PrefixIndex& index_;
  const uint32_t hint_;
  Matcher matcher_;
  bool exporting_ = false;
  std::vector<std::vector<uint8_t>> slices_;
};

}  // namespace kv::stress
