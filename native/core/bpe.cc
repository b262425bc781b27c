#include "core/bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/utf8.h"

namespace kv {
namespace {

// Up to this many symbols, a word keeps a bit for each token that still stands.
constexpr uint32_t kPositionBits = 6;
constexpr uint32_t kFew = 1u << kPositionBits;
constexpr uint32_t kLanes = 4;  // integers in a vector register that every processor has

// Scratch memory kept between words: 4 MB.
constexpr size_t kMaxKeptItems = size_t{1} << 20;

int32_t PackOrder(uint32_t rank, uint32_t position) {
  return rank == kNoMerge ? static_cast<int32_t>(kNoMerge)
                          : static_cast<int32_t>(rank << kPositionBits | position);
}

// The ranks of all positions of a long word, and above them the minima of groups of sixteen, of
// sixteen such groups, and so on: the lowest rank is found, and one rank changed, in O(log n).
//
//   level 1      [ min | min | min ]
//   level 0      [ 16 ranks | 16 ranks | 16 ranks ]      padded with kNoMerge
class RankTree {
 public:
  static constexpr uint32_t kFanOutBits = 4;
  static constexpr uint32_t kFanOut = 1u << kFanOutBits;
  static constexpr int kMaxLevels = 9;  // 16^8 positions are more than 32 bits can count

  static size_t ItemsNeeded(uint32_t size) {
    return size_t{size} + size / 8 + kFanOut * kMaxLevels;
  }

  // `items` is ItemsNeeded(size) long; its first `size` are the ranks.
  RankTree(uint32_t* items, uint32_t size) {
    levels_[0] = items;
    uint32_t count = size;
    while (true) {
      const uint32_t padded = (count + kFanOut - 1) & ~(kFanOut - 1);
      for (uint32_t i = count; i < padded; ++i) levels_[top_][i] = kNoMerge;
      if (padded == kFanOut) return;
      levels_[top_ + 1] = levels_[top_] + padded;
      count = padded >> kFanOutBits;
      for (uint32_t g = 0; g < count; ++g) levels_[top_ + 1][g] = GroupMinimum(top_, g);
      ++top_;
    }
  }

  // Leftmost position of the lowest rank; kNoMerge in `*rank` when nothing merges.
  uint32_t Lowest(uint32_t* rank) const {
    *rank = GroupMinimum(top_, 0);
    uint32_t position = 0;
    for (int level = top_; level >= 0; --level) {
      position <<= kFanOutBits;
      while (levels_[level][position] != *rank) ++position;
    }
    return position;
  }

  void Set(uint32_t position, uint32_t rank) {
    uint32_t old = levels_[0][position];
    levels_[0][position] = rank;
    for (int level = 0; level < top_; ++level) {
      const uint32_t group = position >> kFanOutBits;
      uint32_t& minimum = levels_[level + 1][group];
      const uint32_t before = minimum;
      if (rank < before) {
        minimum = rank;
      } else if (old == before) {
        minimum = rank = GroupMinimum(level, group);
      }
      if (minimum == before) return;
      old = before;
      position = group;
    }
  }

 private:
  uint32_t GroupMinimum(int level, uint32_t group) const {
    const uint32_t* items = levels_[level] + (size_t{group} << kFanOutBits);
    int32_t minimum = kNoMerge;
    for (uint32_t i = 0; i < kFanOut; ++i)
      minimum = std::min(minimum, static_cast<int32_t>(items[i]));
    return static_cast<uint32_t>(minimum);
  }

  uint32_t* levels_[kMaxLevels];
  int top_ = 0;
};

}  // namespace

uint32_t WordMerger::Tokenize(const uint8_t* word, uint32_t size, uint32_t* out) {
  uint32_t count = 0;
  if (AsciiPrefix(word, size) == size) {
    for (; count < size; ++count) out[count] = table_.ByteToken(word[count]);
    const auto rank = [&](uint32_t i) { return table_.ByteRank(word[i], word[i + 1]); };
    return count <= kFew ? MergeFew(count, rank, out) : MergeMany(count, rank, out);
  }
  for (uint32_t i = 0; i < size;) {
    const CharacterTokens::Symbol symbol = characters_.At(word, i, size, table_);
    out[count++] = symbol.token;
    i += symbol.size;
  }
  const auto rank = [&](uint32_t i) { return table_.Rank(out[i], out[i + 1]); };
  return count <= kFew ? MergeFew(count, rank, out) : MergeMany(count, rank, out);
}

template <typename RankBehind>
uint32_t WordMerger::MergeFew(uint32_t count, RankBehind rank_behind, uint32_t* tokens) const {
  // rank << kPositionBits | position for the pair that starts there, so that the minimum is the
  // leftmost of the lowest; kNoMerge where no token starts, and behind the word up to whole lanes.
  alignas(16) int32_t order[kFew];
  const uint32_t lanes = (count + kLanes - 1) & ~(kLanes - 1);
  for (uint32_t i = 0; i + 1 < count; ++i) order[i] = PackOrder(rank_behind(i), i);
  for (uint32_t i = count - 1; i < lanes; ++i) order[i] = kNoMerge;

  uint64_t starts = ~uint64_t{0} >> (kFew - count);
  while (true) {
    int32_t lowest[kLanes];
    memcpy(lowest, order, sizeof lowest);
    for (uint32_t i = kLanes; i < lanes; i += kLanes) {
      for (uint32_t k = 0; k < kLanes; ++k) lowest[k] = std::min(lowest[k], order[i + k]);
    }
    const int32_t first = std::min(std::min(lowest[0], lowest[1]), std::min(lowest[2], lowest[3]));
    if (first == kNoMerge) break;
    const uint32_t i = first & (kFew - 1);
    const uint64_t behind = starts & ~((uint64_t{2} << i) - 1);
    const uint64_t others = behind & (behind - 1);
    const auto absorbed = static_cast<uint32_t>(std::countr_zero(behind));
    tokens[i] = table_.Merged(static_cast<uint32_t>(first) >> kPositionBits);
    starts &= ~(uint64_t{1} << absorbed);
    order[absorbed] = kNoMerge;
    order[i] = others != 0 ? PackOrder(table_.Rank(tokens[i], tokens[std::countr_zero(others)]), i)
                           : kNoMerge;
    if (const uint64_t before = starts & ((uint64_t{1} << i) - 1)) {
      const auto previous = static_cast<uint32_t>(63 - std::countl_zero(before));
      order[previous] = PackOrder(table_.Rank(tokens[previous], tokens[i]), previous);
    }
  }

  uint32_t kept = 0;
  for (; starts != 0; starts &= starts - 1) tokens[kept++] = tokens[std::countr_zero(starts)];
  return kept;
}

template <typename RankBehind>
uint32_t WordMerger::MergeMany(uint32_t count, RankBehind rank_behind, uint32_t* tokens) {
  scratch_.Clear();
  uint32_t* const next = scratch_.Reserve(size_t{count} * 2 + RankTree::ItemsNeeded(count));
  uint32_t* const previous = next + count;
  uint32_t* const ranks = previous + count;
  for (uint32_t i = 0; i < count; ++i) {
    next[i] = i + 1;
    previous[i] = i - 1;
    ranks[i] = i + 1 < count ? rank_behind(i) : kNoMerge;
  }

  RankTree tree(ranks, count);
  while (true) {
    uint32_t rank;
    const uint32_t i = tree.Lowest(&rank);
    if (rank == kNoMerge) break;
    const uint32_t absorbed = next[i];
    const uint32_t behind = next[absorbed];
    tokens[i] = table_.Merged(rank);
    next[i] = behind;
    tree.Set(absorbed, kNoMerge);
    if (behind < count) {
      previous[behind] = i;
      tree.Set(i, table_.Rank(tokens[i], tokens[behind]));
    } else {
      tree.Set(i, kNoMerge);
    }
    if (i != 0) {
      const uint32_t before = previous[i];
      tree.Set(before, table_.Rank(tokens[before], tokens[i]));
    }
  }

  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i = next[i]) tokens[kept++] = tokens[i];
  scratch_.ReleaseAbove(kMaxKeptItems);
  return kept;
}

}  // namespace kv
