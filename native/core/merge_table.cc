#include "core/merge_table.h"

#include <bit>
#include <cassert>

namespace kv {

MergeTable::MergeTable(std::span<const Merge> merges, std::span<const uint32_t, 256> byte_tokens) {
  const size_t slot_count = std::bit_ceil(merges.size() * 2 + 2);
  mask_ = slot_count - 1;
  shift_ = 64 - std::countr_zero(slot_count);
  slots_.reset(new uint64_t[slot_count]);
  for (size_t i = 0; i < slot_count; ++i) slots_[i] = kEmpty;
  merged_.reset(new uint32_t[merges.size()]);

  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const Merge& merge = merges[rank];
    assert(merge.left < kMaxTokens && merge.right < kMaxTokens);
    const uint64_t pair = uint64_t{merge.left} << 20 | merge.right;
    size_t i = pair * kMultiplier >> shift_;
    while (slots_[i] != kEmpty && slots_[i] >> 24 != pair) i = (i + 1) & mask_;
    slots_[i] = pair << 24 | rank;
    merged_[rank] = merge.merged;
  }

  byte_ranks_.reset(new uint32_t[256 * 256]);
  for (size_t i = 0; i < 256; ++i) byte_tokens_[i] = byte_tokens[i];
  for (size_t i = 0; i < 256 * 256; ++i) {
    byte_ranks_[i] = Rank(byte_tokens_[i >> 8], byte_tokens_[i & 0xff]);
  }
}

}  // namespace kv
