// Holder numbers: the 16 bits that stand for an endpoint's tier in the index.
//
// A number is not computed from the endpoint: clearing an endpoint's tier gives it a new number
// and declares the old one dead, which takes the same time however many blocks it held. The sweep
// then takes the dead number out of the slots bit by bit (prefix_index.h), and only after that it
// is handed out again.
//
// Thread safety: one writer at a time; Meaning, NumberOf and BlocksOf may be called by any thread.
// Progress of those: wait-free.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "core/holder_word.h"
#include "core/memory_region.h"

namespace kv {

// 2^14 pairs of endpoint and tier leave three quarters of the numbers for those being swept.
inline constexpr uint32_t kMaxEndpoints = 4096;
inline constexpr uint32_t kTiers = 4;
enum class Tier : uint8_t { kGpu = 0, kCpu = 1, kStorage = 2, kPredicted = 3 };

// Endpoint and tier as one number.
using HolderMeaning = uint16_t;
inline constexpr HolderMeaning kDeadHolder = 0xffff;
[[nodiscard]] constexpr HolderMeaning MeaningOf(uint32_t endpoint, Tier tier) noexcept {
  return static_cast<HolderMeaning>(endpoint * kTiers + static_cast<uint32_t>(tier));
}
[[nodiscard]] constexpr uint32_t EndpointOf(HolderMeaning meaning) noexcept {
  return meaning / kTiers;
}
[[nodiscard]] constexpr uint32_t TierOf(HolderMeaning meaning) noexcept { return meaning % kTiers; }

class HolderTable {
 public:
  explicit HolderTable(MemoryBudget& budget);
  HolderTable(const HolderTable&) = delete;
  HolderTable& operator=(const HolderTable&) = delete;

  // --- any thread ---
  // Endpoint and tier, or kDeadHolder.
  [[nodiscard]] HolderMeaning Meaning(HolderNumber holder) const noexcept {
    // (1) acquire-load: pairs with (2), so that a reader that sees a new meaning sees the slots
    // swept of the old one.
    return static_cast<HolderMeaning>(tables_->meaning[holder].load(std::memory_order_acquire) -
                                      1u);
  }
  // kNoHolder when the endpoint holds nothing in this tier.
  [[nodiscard]] HolderNumber NumberOf(HolderMeaning meaning) const noexcept {
    // (3) acquire-load: pairs with (4), so that the number's meaning is known with it.
    return tables_->number[meaning].load(std::memory_order_acquire);
  }
  [[nodiscard]] uint32_t BlocksOf(HolderMeaning meaning) const noexcept {
    const HolderNumber holder = NumberOf(meaning);
    // Relaxed: a number for people, it orders nothing.
    return holder == kNoHolder ? 0 : tables_->blocks[holder].load(std::memory_order_relaxed);
  }

  // --- writer ---
  [[nodiscard]] uint32_t blocks(HolderNumber holder) const noexcept {
    return tables_->blocks[holder].load(std::memory_order_relaxed);
  }
  void AddBlocks(HolderNumber holder, int32_t change) noexcept {
    tables_->blocks[holder].store(blocks(holder) + static_cast<uint32_t>(change),
                                  std::memory_order_relaxed);
  }
  // Gives the pair a number if it has none; kNoHolder when all are in use.
  [[nodiscard]] HolderNumber Acquire(HolderMeaning meaning);
  // Takes the pair's number away and declares it dead; returns it.
  HolderNumber Kill(HolderMeaning meaning);
  // A dead number is in no slot any more. REQUIRES: no reader can hold a word with it.
  void Recycle(HolderNumber holder) { free_.push_back(holder); }

 private:
  struct Tables {
    // One more than the meaning, so that memory fresh from the kernel means "dead".
    std::atomic<uint16_t> meaning[kLastHolder + 1];
    std::atomic<uint16_t> number[kMaxEndpoints * kTiers];
    std::atomic<uint32_t> blocks[kLastHolder + 1];
  };

  MemoryRegion region_;
  Tables* tables_;
  // Low numbers first: bit sets of holders stay short.
  std::vector<HolderNumber> free_;
  HolderNumber next_ = 1;
};

}  // namespace kv
