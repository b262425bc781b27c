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
  // Bounds what a stamp leaves open about a block's age. 127 of them are ten hours.
  static constexpr uint32_t kPeriodSeconds = 300;

  // What a block stored now is marked with.
  [[nodiscard]] uint8_t stamp() const noexcept { return stamp_; }
  // One block more has been stored in a table of `slots`.
  void CountStore(uint64_t slots) noexcept {
    if (++stores_ * kPeriodsPerTable < slots) return;
    BeginPeriod();
  }
  // The time, on any clock that starts at 0 or more. A period ends by itself after kPeriodSeconds.
  void Tick(uint32_t seconds) noexcept {
    now_ = seconds;
    if (now_ - begins_[stamp_] >= kPeriodSeconds) BeginPeriod();
  }
  // Periods since the block was stored last. One that is too old for its stamp stays the oldest:
  // the stamp must not come round and look fresh, so every block has to be asked for now and then.
  uint8_t AgeOf(Usefulness& usefulness) const noexcept {
    const auto age = static_cast<uint8_t>(stamp_ - usefulness.stamp);
    if (age <= kOldest) return age;
    usefulness.stamp = static_cast<uint8_t>(stamp_ - kOldest);
    return kOldest;
  }
  // The same in seconds, from the end of the period.
  uint32_t AgeSeconds(Usefulness& usefulness) const noexcept {
    const uint8_t age = AgeOf(usefulness);
    return age == 0 ? 0 : now_ - begins_[static_cast<uint8_t>(stamp_ - age + 1)];
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
  void BeginPeriod() noexcept {
    stores_ = 0;
    begins_[++stamp_] = now_;
  }

  uint8_t stamp_ = 0;
  uint32_t now_ = 0;
  std::array<uint32_t, 256> begins_{};  // by stamp
  uint64_t stores_ = 0;
  uint64_t hand_ = 0;
  std::array<uint16_t, kScores> counts_{};
  std::array<uint64_t, kWindowBuckets * SlotTable::kSlotsPerBucket / kShare> victims_;
};

}  // namespace kv
