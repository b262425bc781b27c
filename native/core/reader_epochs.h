// When may the writer reuse what a reader could still be looking at? Readers announce the epoch in
// which they entered; what was unlinked in epoch t is free once every announced epoch is above t.
//
// Thread safety: any number of readers, one writer at a time.
// Progress: Enter and Leave are wait-free (at most kMaxReaders attempts); the writer never waits,
// it postpones.
// Invariants:
//  (1) Everything the writer unlinks is tagged with current(), then Advance() is called, then
//      Oldest() is asked; a tag below its answer is free.
//  (2) A reader announced with epoch a began its reading after all unlinks tagged below a.
//
// Why (2) holds although a reader may announce just after the writer looked: all four operations
// (1) to (4) are sequentially consistent. Either the writer's (4) sees the announcement, or it
// comes before the reader's (2) in their single order; then the writer's (1), which precedes (4),
// also precedes the reader's second load (3), which therefore reads the new epoch and with it
// every unlink before it.
#pragma once

#include <atomic>
#include <cstdint>

namespace kv {

class ReaderEpochs {
 public:
  // Readers inside a match at the same moment; more than there can be cores and busy threads.
  static constexpr uint32_t kMaxReaders = 128;
  static constexpr uint32_t kNoPlace = kMaxReaders;

  ReaderEpochs() = default;
  ReaderEpochs(const ReaderEpochs&) = delete;
  ReaderEpochs& operator=(const ReaderEpochs&) = delete;

  // A different start for every reading object keeps readers off each other's cache lines.
  [[nodiscard]] uint32_t NewHint() noexcept {
    // Relaxed: only distinctness matters.
    return hints_.fetch_add(1, std::memory_order_relaxed) % kMaxReaders;
  }

  // Returns the place to give to Leave, or kNoPlace when all are taken.
  [[nodiscard]] uint32_t Enter(uint32_t hint) noexcept {
    // (3) seq_cst load: pairs with the store (1).
    const uint64_t epoch = epoch_.load(std::memory_order_seq_cst);
    for (uint32_t attempt = 0; attempt < kMaxReaders; ++attempt) {
      const uint32_t place = (hint + attempt) % kMaxReaders;
      uint64_t idle = 0;
      // (2) seq_cst exchange: announces; pairs with the scan (4). On failure nothing is read.
      if (At(place).compare_exchange_strong(idle, epoch, std::memory_order_seq_cst,
                                            std::memory_order_relaxed)) {
        // (3) again: see the proof above. The value itself is not needed.
        static_cast<void>(epoch_.load(std::memory_order_seq_cst));
        return place;
      }
    }
    return kNoPlace;
  }

  void Leave(uint32_t place) noexcept {
    // (5) release-store: all reading is done; pairs with the scan (4).
    At(place).store(0, std::memory_order_release);
  }

  // Writer. Relaxed: only the writer changes it.
  [[nodiscard]] uint64_t current() const noexcept { return epoch_.load(std::memory_order_relaxed); }

  // Writer. (1) seq_cst store: carries every unlink before it; pairs with (3).
  void Advance() noexcept { epoch_.store(current() + 1, std::memory_order_seq_cst); }

  // Writer. Everything tagged with an epoch below the answer is free.
  [[nodiscard]] uint64_t Oldest() const noexcept {
    uint64_t oldest = current();
    for (uint32_t place = 0; place < kMaxReaders; ++place) {
      // (4) seq_cst load: pairs with (2) and (5).
      const uint64_t announced = At(place).load(std::memory_order_seq_cst);
      if (announced != 0 && announced < oldest) oldest = announced;
    }
    return oldest;
  }

 private:
  // Two readers share a cache line: places i and i + kLines.
  static constexpr uint32_t kLines = kMaxReaders / 2;
  struct alignas(64) Line {
    std::atomic<uint64_t> announced[2] = {0, 0};
  };

  std::atomic<uint64_t>& At(uint32_t place) noexcept {
    return lines_[place % kLines].announced[place / kLines];
  }
  const std::atomic<uint64_t>& At(uint32_t place) const noexcept {
    return lines_[place % kLines].announced[place / kLines];
  }

  alignas(64) std::atomic<uint64_t> epoch_{1};
  alignas(64) std::atomic<uint32_t> hints_{0};
  Line lines_[kLines];
};

}  // namespace kv
