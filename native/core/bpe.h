// Byte-pair encoding of single words: the algorithm that applies the merges of a model.
//
// Thread safety: none. A merger holds scratch memory, so each thread has its own.
#pragma once

#include <cstdint>

#include "core/buffer.h"
#include "core/character_tokens.h"
#include "core/merge_table.h"

namespace kv {

class WordMerger {
 public:
  WordMerger(const MergeTable& table, const CharacterTokens& characters)
      : table_(table), characters_(characters) {}

  // Writes the tokens of `word` to `out` and returns their number, at most `size`: while any
  // neighbours merge, the pair of lowest rank does, the leftmost one of equals.
  // Time is O(size x log(size)), whatever the word. REQUIRES: size > 0; the tokens are the model's
  // only for valid UTF-8.
  uint32_t Tokenize(const uint8_t* word, uint32_t size, uint32_t* out);

 private:
  // Merge `tokens` in place; `rank_behind(i)` is the rank of tokens i and i + 1.
  template <typename RankBehind>
  uint32_t MergeFew(uint32_t count, RankBehind rank_behind, uint32_t* tokens) const;
  template <typename RankBehind>
  uint32_t MergeMany(uint32_t count, RankBehind rank_behind, uint32_t* tokens);

  const MergeTable& table_;
  const CharacterTokens& characters_;
  Buffer<uint32_t> scratch_;
};

}  // namespace kv
