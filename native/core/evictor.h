// Which blocks go when the byte bound leaves no room: those stored longest ago and those farthest
// from the head of their prompt. A tail without its head can never be matched, a head without its
// tail can, so among blocks of one age the tails go first.
//
// The hand of a clock passes over the table. Slots lie in the order of their hashes, so that any
// few hundred of them are a fair sample, and the worst of each sample are about the worst of all.
//
// Thread safety: none; the writer's alone.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/slot_table.h"

namespace kv {

class Evictor {
 public:
  // What a block stored now is marked with.
  [[nodiscard]] uint8_t stamp() const noexcept { return stamp_; }
  // One block more has been stored in a table of `slots`.
  void CountStore(uint64_t slots) noexcept {
    if (++stores_ * kPeriodsPerTable < slots) return;
    stores_ = 0;
    ++stamp_;
  }
  // Slots of the blocks to give up next; empty if the hand met no block. Valid until the next call.
  [[nodiscard]] std::span<const uint64_t> NextVictims(const SlotTable& table) noexcept;

 private:
  // Ages count in sixteenths of the time in which as many blocks are stored as the table has slots.
  static constexpr uint64_t kPeriodsPerTable = 16;
  static constexpr uint8_t kOldest = 127;
  static constexpr uint64_t kWindowBuckets = 256;
  // One of 32 blocks goes, so that the hand comes round about as often as the blocks do.
  static constexpr uint64_t kShare = 32;
  static constexpr uint32_t kScores = 127 * 8 + 256;

  [[nodiscard]] uint32_t ScoreOf(Usefulness& usefulness) const noexcept;

  uint8_t stamp_ = 0;
  uint64_t stores_ = 0;
  uint64_t hand_ = 0;
  std::array<uint16_t, kScores> counts_{};
  std::array<uint64_t, kWindowBuckets * SlotTable::kSlotsPerBucket / kShare> victims_;
};

}  // namespace kv
