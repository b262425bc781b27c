// The merges of a byte-pair encoding: which pair of tokens becomes which token, in what order.
//
// Thread safety: immutable after construction.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/buffer.h"

namespace kv {

// Above all ranks, and positive as a signed number, which SSE2 compares faster.
inline constexpr uint32_t kNoMerge = 0x7fffffff;

struct Merge {
  uint32_t left;
  uint32_t right;
  uint32_t merged;
};

class MergeTable {
 public:
  // A slot is one word: 20 bits for each token and 24 for the rank; all ones is an empty slot.
  // Ids are below kMaxTokens; that id itself may stand for "no token" and merges with nothing.
  static constexpr uint32_t kMaxTokens = (1u << 20) - 2;
  static constexpr uint32_t kMaxMerges = (1u << 24) - 1;

  // `merges` in order of rank, lowest first; of equal pairs the last one counts.
  // `byte_tokens` are the tokens of the 256 bytes.
  // REQUIRES: ids of merges < kMaxTokens, merges.size() <= kMaxMerges.
  MergeTable(std::span<const Merge> merges, std::span<const uint32_t, 256> byte_tokens);

  // Rank of the pair, kNoMerge if it does not merge.
  uint32_t Rank(uint32_t left, uint32_t right) const {
    const uint64_t pair = uint64_t{left} << 20 | right;
    for (size_t i = pair * kMultiplier >> shift_;; i = (i + 1) & mask_) {
      const uint64_t slot = slots_[i];
      if (slot >> 24 == pair) return static_cast<uint32_t>(slot & 0xffffff);
      if (slot == kEmpty) return kNoMerge;
    }
  }
  uint32_t Merged(uint32_t rank) const { return merged_[rank]; }
  uint32_t ByteToken(uint8_t byte) const { return byte_tokens_[byte]; }
  // Rank of the pair of tokens of two bytes.
  uint32_t ByteRank(uint8_t left, uint8_t right) const { return byte_ranks_[left << 8 | right]; }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  static constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15u;

  std::unique_ptr<uint64_t[]> slots_;
  size_t mask_;
  int shift_;
  std::unique_ptr<uint32_t[]> merged_;
  std::unique_ptr<uint32_t[]> byte_ranks_;
  uint32_t byte_tokens_[256];
};

}  // namespace kv
