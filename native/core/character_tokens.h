// Characters of two or three bytes whose merging may be skipped: they start as one symbol.
//
// A character c qualifies if its bytes merge to one token, and
//  (1) no merge joins a part of c (what its bytes become on the way) with a neighbour outside: this
//      depends on the bytes just before and behind c, so it is asked for each place;
//  (2) every merge that takes c itself ranks behind all merges inside c.
// By (1) nothing outside disturbs the merges inside c nor is disturbed. By (2), while c is not
// complete some merge inside it ranks before all that take c; so those come at the same point of
// the order whether c was complete from the start or not, and the tokens are the same.
//
// Thread safety: immutable after construction.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/merge_table.h"
#include "core/utf8.h"
#include "core/vocabulary.h"

namespace kv {

class CharacterTokens {
 public:
  // All byte-level tokens of the model and its merges, of which `table` was made.
  CharacterTokens(std::span<const TokenBytes> tokens, std::span<const Merge> merges,
                  const MergeTable& table);

  struct Symbol {
    uint32_t token;
    uint32_t size;
  };

  // The symbol that starts at word[i]: a whole character, or one byte. REQUIRES: i < size.
  Symbol At(const uint8_t* word, uint32_t i, uint32_t size, const MergeTable& table) const {
    if (word[i] >= 0xc0 && word[i] < 0xf0 && i + (word[i] < 0xe0 ? 1 : 2) < size) {
      const CodePoint code = DecodeUtf8(word + i);
      const Entry& entry = entries_[index_[code.value]];
      const uint32_t end = i + code.size;
      if (entry.token != kNoToken && (i == 0 || !Has(entry.before, word[i - 1])) &&
          (end == size || !Has(entry.behind, word[end]))) {
        return {entry.token, code.size};
      }
    }
    return {table.ByteToken(word[i]), 1};
  }

 private:
  using ByteSet = std::array<uint64_t, 4>;
  struct Entry {
    uint32_t token = kNoToken;
    // Sets of bytes next to which the character does not qualify.
    uint16_t before = 0;
    uint16_t behind = 0;
  };
  class Builder;

  bool Has(uint16_t set, uint8_t byte) const { return (sets_[set][byte >> 6] >> (byte & 63)) & 1; }

  std::unique_ptr<uint16_t[]> index_;  // by code point below U+10000; entry 0 is none
  std::vector<Entry> entries_;
  std::vector<ByteSet> sets_;
};

}  // namespace kv
