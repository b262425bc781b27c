#include "core/copy_counts.h"

#include <new>

namespace kv {
namespace {

uint64_t HashOf(uint64_t key, HolderNumber holder) {
  const uint64_t mixed = (key ^ holder * uint64_t{0x9e3779b97f4a7c15}) * 0xd6e8feb86659fd93;
  return mixed ^ mixed >> 32;
}

}  // namespace

CopyCounts::Count* CopyCounts::Find(uint64_t key, HolderNumber holder) const {
  if (counts_.size() == 0) return nullptr;
  return counts_.Find(HashOf(key, holder), [&](const Count& count) {
    return count.key == key && count.holder == holder;
  });
}

bool CopyCounts::Add(uint64_t key, HolderNumber holder) {
  if (Count* const count = Find(key, holder); count != nullptr) {
    ++count->copies;
    return true;
  }
  void* const piece = pool_.Allocate(sizeof(Count));
  if (piece == nullptr) return false;
  counts_.Insert(new (piece) Count{HashOf(key, holder), nullptr, key, 1, holder});
  return true;
}

bool CopyCounts::Take(uint64_t key, HolderNumber holder) {
  Count* const count = Find(key, holder);
  if (count == nullptr) return false;
  if (--count->copies == 0) Remove(count);
  return true;
}

void CopyCounts::Forget(uint64_t key, HolderNumber holder) {
  if (Count* const count = Find(key, holder); count != nullptr) Remove(count);
}

void CopyCounts::Remove(Count* count) {
  counts_.Remove(count);
  pool_.Free(count, sizeof(Count));
}

}  // namespace kv
