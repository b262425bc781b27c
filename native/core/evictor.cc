#include "core/evictor.h"

#include <algorithm>

namespace kv {

// One turnover of the table weighs as much as standing 128 steps of depth (thousands of blocks)
// further back.
uint32_t Evictor::ScoreOf(Usefulness& usefulness) const noexcept {
  return AgeOf(usefulness) * 8u + usefulness.depth;
}

std::span<const uint64_t> Evictor::NextVictims(const SlotTable& table) noexcept {
  if (hand_ >= table.bucket_count()) hand_ = 0;
  const uint64_t first = hand_ * SlotTable::kSlotsPerBucket;
  hand_ = std::min(hand_ + kWindowBuckets, table.bucket_count());
  const uint64_t end = hand_ * SlotTable::kSlotsPerBucket;

  counts_.fill(0);
  uint64_t blocks = 0;
  for (uint64_t slot = first; slot < end; ++slot) {
    if (!SlotTable::IsBlock(table.key(slot))) continue;
    ++counts_[ScoreOf(table.usefulness(slot))];
    ++blocks;
  }
  const size_t wanted = std::min<size_t>((blocks + kShare - 1) / kShare, victims_.size());
  // All above the threshold go, and as many at the threshold as are still wanted.
  uint32_t threshold = kScores;
  size_t above = 0;
  while (threshold > 0 && above + counts_[threshold - 1] <= wanted) above += counts_[--threshold];
  size_t at_threshold = threshold > 0 ? wanted - above : 0;
  size_t count = 0;
  for (uint64_t slot = first; slot < end && count < wanted; ++slot) {
    if (!SlotTable::IsBlock(table.key(slot))) continue;
    const uint32_t score = ScoreOf(table.usefulness(slot));
    if (score + 1 < threshold || (score + 1 == threshold && at_threshold == 0)) continue;
    if (score + 1 == threshold) --at_threshold;
    victims_[count++] = slot;
  }
  return {victims_.data(), count};
}

}  // namespace kv
