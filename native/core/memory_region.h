// Memory straight from the kernel, zero-filled, in huge pages where it is big enough for them, and
// the byte bound that everything of one index is counted against.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kv {

// Thread safety: one writer; `used` may be read by any thread.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t limit) noexcept : limit_(limit) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  [[nodiscard]] uint64_t limit() const noexcept { return limit_; }
  // Relaxed: a number for people, it orders nothing.
  [[nodiscard]] uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool Fits(uint64_t bytes) const noexcept {
    return bytes <= limit_ && used() <= limit_ - bytes;
  }
  void Take(uint64_t bytes) noexcept { used_.store(used() + bytes, std::memory_order_relaxed); }
  void Give(uint64_t bytes) noexcept { used_.store(used() - bytes, std::memory_order_relaxed); }

 private:
  const uint64_t limit_;
  std::atomic<uint64_t> used_{0};
};

class MemoryRegion {
 public:
  MemoryRegion() noexcept = default;
  // data() is null when the kernel refuses.
  explicit MemoryRegion(size_t bytes) noexcept;
  ~MemoryRegion();
  MemoryRegion(MemoryRegion&& other) noexcept;
  MemoryRegion& operator=(MemoryRegion&& other) noexcept;
  MemoryRegion(const MemoryRegion&) = delete;
  MemoryRegion& operator=(const MemoryRegion&) = delete;

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] size_t bytes() const noexcept { return bytes_; }
  // Gives whole pages of [begin, end) back to the kernel, huge ones where there are any: to split
  // one takes milliseconds. They read as zero from then on. Of [begin, done) that has happened
  // before, but for the page on the border.
  void Release(size_t begin, size_t done, size_t end) noexcept;

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace kv
