// Words already merged by this thread, with their tokens. Lookups compare all bytes of the word.
//
// A short word has two places, of which a new word takes the one used for longer; a long one has
// one. Every thread has a cache of its own: the hot path needs no atomics, and what a thread lacks
// costs it one merge, not a wrong answer.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <memory>

#include "core/word_key.h"

namespace kv {

class WordCache {
 public:
  struct ShortEntry {
    ShortWord word;
    uint8_t size;  // 0: empty
    uint8_t count;
    uint32_t tokens[3];
  };
  struct LongEntry {
    uint8_t size;  // 0: empty
    uint8_t count;
    uint8_t word[62];
    uint32_t tokens[16];
  };
  static_assert(sizeof(ShortEntry) == 32 && sizeof(LongEntry) == 128);
  static constexpr uint32_t kShortTokensMax = 3;
  static constexpr uint32_t kLongWordMax = sizeof(LongEntry::word);
  static constexpr uint32_t kLongTokensMax = 16;

  WordCache() : short_(new ShortSet[kShortSets]()), long_(new LongEntry[kLongEntries]()) {}

  // The entry of a word of up to kShortWordMax bytes, null if there is none.
  const ShortEntry* FindShort(ShortWord word, uint32_t size, uint64_t hash) const {
    const ShortSet& set = short_[hash >> 32 & (kShortSets - 1)];
    if (set.newer.word == word && set.newer.size == size) return &set.newer;
    if (set.older.word == word && set.older.size == size) return &set.older;
    return nullptr;
  }
  // REQUIRES: count <= kShortTokensMax.
  void StoreShort(ShortWord word, uint32_t size, uint64_t hash, const uint32_t* tokens,
                  uint32_t count) {
    ShortSet& set = short_[hash >> 32 & (kShortSets - 1)];
    set.older = set.newer;
    set.newer.word = word;
    set.newer.size = static_cast<uint8_t>(size);
    set.newer.count = static_cast<uint8_t>(count);
    memcpy(set.newer.tokens, tokens, count * sizeof(uint32_t));
  }

  // The entry of a word of up to kLongWordMax bytes; short words with many tokens have one, too.
  const LongEntry* FindLong(const uint8_t* word, uint32_t size, uint64_t hash) const {
    const LongEntry& entry = long_[hash >> 32 & (kLongEntries - 1)];
    return entry.size == size && memcmp(entry.word, word, size) == 0 ? &entry : nullptr;
  }
  // REQUIRES: size <= kLongWordMax, count <= kLongTokensMax.
  void StoreLong(const uint8_t* word, uint32_t size, uint64_t hash, const uint32_t* tokens,
                 uint32_t count) {
    LongEntry& entry = long_[hash >> 32 & (kLongEntries - 1)];
    entry.size = static_cast<uint8_t>(size);
    entry.count = static_cast<uint8_t>(count);
    memcpy(entry.word, word, size);
    memcpy(entry.tokens, tokens, count * sizeof(uint32_t));
  }

 private:
  // One line of the processor's cache.
  struct alignas(64) ShortSet {
    ShortEntry newer;
    ShortEntry older;
  };
  // Together 1 MB, about the second-level cache of one core.
  static constexpr size_t kShortSets = 8192;
  static constexpr size_t kLongEntries = 4096;

  std::unique_ptr<ShortSet[]> short_;
  std::unique_ptr<LongEntry[]> long_;
};

}  // namespace kv
