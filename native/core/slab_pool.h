// Small pieces of memory in a few sizes, cut from big chunks and reused per size.
//
// Thread safety: none; the writer's alone. Memory once taken stays with the pool.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/memory_region.h"

namespace kv {

class SlabPool {
 public:
  explicit SlabPool(MemoryBudget& budget) noexcept : budget_(budget) {}
  ~SlabPool();
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;

  // Null when the budget or the kernel has no more. REQUIRES: bytes <= kMaxBytes.
  [[nodiscard]] void* Allocate(size_t bytes) noexcept;
  // REQUIRES: `piece` came from Allocate(bytes).
  void Free(void* piece, size_t bytes) noexcept;

  static constexpr size_t kMaxBytes = size_t{16} << 10;

 private:
  // 32, 48, 64, 96, 128, ... 16384: at most a third of a piece is unused.
  static constexpr size_t kSizes = 19;
  static constexpr size_t SizeIndex(size_t bytes) noexcept {
    if (bytes <= 32) return 0;
    const size_t power = std::bit_width(bytes - 1) - 1;  // 2^power < bytes <= 2^(power + 1)
    const size_t half = bytes <= (size_t{3} << (power - 1)) ? 1 : 2;
    return 2 * (power - 5) + half;
  }
  static constexpr size_t SizeAt(size_t index) noexcept {
    return index % 2 == 0 ? size_t{32} << (index / 2) : size_t{48} << (index / 2);
  }

  struct FreePiece {
    FreePiece* next;
  };

  [[nodiscard]] bool AddChunk() noexcept;

  MemoryBudget& budget_;
  std::vector<MemoryRegion> chunks_;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  std::array<FreePiece*, kSizes> free_{};
};

}  // namespace kv
