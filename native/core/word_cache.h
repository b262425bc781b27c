// Words already merged by this thread, with their tokens. Lookups compare all bytes of the word.
//
// Each word has one place, and a newer word takes it. Every thread has a cache of its own: the hot
// path needs no atomics, and what a thread lacks costs it one merge, not a wrong answer.
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

  WordCache() : short_(new ShortEntry[kShortEntries]()), long_(new LongEntry[kLongEntries]()) {}

  // The place of a short word; it holds the word if Holds() says so.
  ShortEntry& ShortPlace(uint64_t hash) { return short_[hash >> 32 & (kShortEntries - 1)]; }
  static bool Holds(const ShortEntry& entry, ShortWord word, uint32_t size) {
    return entry.word == word && entry.size == size;
  }
  void PrefetchShort(uint64_t hash) const {
    __builtin_prefetch(&short_[hash >> 32 & (kShortEntries - 1)]);
  }

  LongEntry& LongPlace(uint64_t hash) { return long_[hash >> 32 & (kLongEntries - 1)]; }
  static bool Holds(const LongEntry& entry, const uint8_t* word, uint32_t size) {
    return entry.size == size && memcmp(entry.word, word, size) == 0;
  }

 private:
  // Together 1 MB, about the second-level cache of one core.
  static constexpr size_t kShortEntries = 16384;
  static constexpr size_t kLongEntries = 4096;

  std::unique_ptr<ShortEntry[]> short_;
  std::unique_ptr<LongEntry[]> long_;
};

}  // namespace kv
