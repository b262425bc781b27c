#include "core/index_census.h"

#include <algorithm>

namespace kv {
namespace {

template <size_t kSize>
size_t PlaceOf(uint32_t value, const std::array<uint32_t, kSize>& bounds) {
  return static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) -
                             bounds.begin());
}

}  // namespace

void IndexCensus::Sample(const SlotTable& table, const Evictor& evictor) noexcept {
  if (hand_ >= table.bucket_count()) hand_ = 0;
  const uint64_t end = std::min(hand_ + kWindowBuckets, table.bucket_count());
  Counts& window = windows_[next_];
  for (size_t i = 0; i < window.size(); ++i) sums_[i] -= window[i];
  window.fill(0);
  for (uint64_t slot = hand_ * SlotTable::kSlotsPerBucket; slot < end * SlotTable::kSlotsPerBucket;
       ++slot) {
    if (!SlotTable::IsBlock(table.key(slot))) continue;
    ++window[PlaceOf(evictor.AgeSeconds(table.usefulness(slot)), kAgeSeconds)];
    ++window[kAges + PlaceOf(CountHolders(table.word(slot)), kHolders)];
  }
  hand_ = end;
  next_ = (next_ + 1) % kWindows;
  for (size_t i = 0; i < window.size(); ++i) {
    sums_[i] += window[i];
    // Relaxed: numbers for people, they order nothing.
    published_[i].store(sums_[i], std::memory_order_relaxed);
  }
}

IndexCensus::Counts IndexCensus::Read() const noexcept {
  Counts counts;
  for (size_t i = 0; i < counts.size(); ++i) {
    counts[i] = published_[i].load(std::memory_order_relaxed);
  }
  return counts;
}

}  // namespace kv
