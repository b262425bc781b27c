// A running sample of the index for people: how old blocks are, and how many endpoint tiers hold
// each. Slots lie in the order of their hashes, so any few hundred of them are a fair sample.
//
// Thread safety: Sample is the writer's; Read may be called by any thread and sees numbers of which
// some may be one sample newer than others.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "core/evictor.h"
#include "core/slot_table.h"

namespace kv {

class IndexCensus {
 public:
  // Blocks up to these ages, and older ones. Ages are known to Evictor::kPeriodSeconds at worst.
  static constexpr std::array<uint32_t, 5> kAgeSeconds = {60, 600, 3600, 14'400, 36'000};
  // Blocks with up to so many holders, and with more.
  static constexpr std::array<uint32_t, 6> kHolders = {1, 2, 4, 16, 64, 256};
  static constexpr size_t kAges = kAgeSeconds.size() + 1;
  static constexpr size_t kSharings = kHolders.size() + 1;
  // Blocks by age, then blocks by holders; both add up to the blocks sampled.
  using Counts = std::array<uint32_t, kAges + kSharings>;

  // Looks at the next window of the table: some microseconds.
  void Sample(const SlotTable& table, const Evictor& evictor) noexcept;
  [[nodiscard]] Counts Read() const noexcept;

 private:
  static constexpr uint64_t kWindowBuckets = 64;
  static constexpr size_t kWindows = 32;

  std::array<Counts, kWindows> windows_{};
  size_t next_ = 0;
  uint64_t hand_ = 0;
  Counts sums_{};
  std::array<std::atomic<uint32_t>, kAges + kSharings> published_{};
};

}  // namespace kv
