#include "core/slab_pool.h"

#include <new>
#include <utility>

namespace kv {
namespace {

// The first chunk is small because most indexes never need a second one.
constexpr size_t kFirstChunkBytes = size_t{64} << 10;
constexpr size_t kChunkBytes = size_t{2} << 20;

}  // namespace

SlabPool::~SlabPool() {
  for (const MemoryRegion& chunk : chunks_) budget_.Give(chunk.bytes());
}

void* SlabPool::Allocate(size_t bytes) noexcept {
  static_assert(SizeAt(SizeIndex(33)) == 48 && SizeAt(SizeIndex(64)) == 64);
  static_assert(SizeIndex(kMaxBytes) == kSizes - 1 && SizeAt(kSizes - 1) == kMaxBytes);
  const size_t index = SizeIndex(bytes);
  if (FreePiece* const piece = free_[index]; piece != nullptr) {
    free_[index] = piece->next;
    return piece;
  }
  const size_t size = SizeAt(index);
  if (static_cast<size_t>(end_ - next_) < size && !AddChunk()) return nullptr;
  std::byte* const piece = next_;
  next_ += size;
  return piece;
}

void SlabPool::Free(void* piece, size_t bytes) noexcept {
  FreePiece*& head = free_[SizeIndex(bytes)];
  head = new (piece) FreePiece{head};
}

bool SlabPool::AddChunk() noexcept {
  const size_t bytes = chunks_.empty() ? kFirstChunkBytes : kChunkBytes;
  if (!budget_.Fits(bytes)) return false;
  MemoryRegion chunk(bytes);
  if (chunk.data() == nullptr) return false;
  budget_.Take(chunk.bytes());
  next_ = chunk.data();
  end_ = next_ + chunk.bytes();
  chunks_.push_back(std::move(chunk));
  return true;
}

}  // namespace kv
