#include "core/memory_region.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

namespace kv {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr size_t kHugePageBytes = size_t{2} << 20;

constexpr size_t PageBytes(size_t region) {
  return region >= kHugePageBytes ? kHugePageBytes : kPageBytes;
}
constexpr size_t RoundUp(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

std::byte* Map(size_t bytes) {
  void* const mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return mapped == MAP_FAILED ? nullptr : static_cast<std::byte*>(mapped);
}

// Older kernels do not align big mappings to huge pages by themselves.
std::byte* MapAligned(size_t bytes) {
  std::byte* const start = Map(bytes + kHugePageBytes);
  if (start == nullptr) return nullptr;
  const auto address = reinterpret_cast<uintptr_t>(start);
  const size_t before = RoundUp(address, kHugePageBytes) - address;
  if (before > 0) munmap(start, before);
  munmap(start + before + bytes, kHugePageBytes - before);
#ifdef MADV_HUGEPAGE
  madvise(start + before, bytes, MADV_HUGEPAGE);
#endif
  return start + before;
}

}  // namespace

MemoryRegion::MemoryRegion(size_t bytes) noexcept {
  bytes_ = RoundUp(bytes, PageBytes(bytes));
  data_ = bytes >= kHugePageBytes ? MapAligned(bytes_) : Map(bytes_);
  if (data_ == nullptr) bytes_ = 0;
}

MemoryRegion::~MemoryRegion() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

MemoryRegion::MemoryRegion(MemoryRegion&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

MemoryRegion& MemoryRegion::operator=(MemoryRegion&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

void MemoryRegion::Release(size_t begin, size_t done, size_t end) noexcept {
  const size_t page = PageBytes(bytes_);
  const size_t from = std::max(RoundUp(begin, page), done / page * page);
  const size_t to = end / page * page;
  if (to > from) madvise(data_ + from, to - from, MADV_DONTNEED);
}

}  // namespace kv
