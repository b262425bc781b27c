// Words as keys: up to 16 bytes as two integers, longer ones by a hash and a comparison of bytes.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/utf8.h"

namespace kv {

inline constexpr uint32_t kShortWordMax = 16;

// The bytes of a short word, zero behind its end. Words of different sizes may share a key ("a" and
// "a\0"), so whoever compares keys compares sizes too.
struct ShortWord {
  uint64_t low;
  uint64_t high;
  bool operator==(const ShortWord&) const = default;
};

inline uint64_t FoldMultiply(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Reads 16 bytes. REQUIRES: size <= kShortWordMax, kTextPadding readable bytes behind the text.
inline ShortWord LoadShortWord(const uint8_t* word, uint32_t size) {
  static_assert(kTextPadding >= kShortWordMax);
  // Bytes to keep: sixteen 0xff and sixteen 0 bytes, read from 16 - size on.
  alignas(32) static constexpr uint8_t kKeep[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                    255, 255, 255, 255, 255, 255, 255, 255};
  ShortWord key;
  ShortWord keep;
  memcpy(&key, word, sizeof key);
  memcpy(&keep, kKeep + (kShortWordMax - size), sizeof keep);
  return {key.low & keep.low, key.high & keep.high};
}

inline uint64_t HashShortWord(ShortWord word, uint32_t size) {
  return FoldMultiply(word.low ^ 0x243f6a8885a308d3u,
                      word.high ^ (0x13198a2e03707344u + size * 0x9e3779b97f4a7c15u));
}

// Hash of any number of bytes. Equal hashes prove nothing: callers compare the bytes.
inline uint64_t HashBytes(const uint8_t* bytes, size_t size) {
  uint64_t hash = size * 0x9e3779b97f4a7c15u ^ 0x452821e638d01377u;
  uint64_t words[4];
  size_t i = 0;
  if (size >= 64) {
    // Two independent chains keep two multipliers busy.
    uint64_t other = ~hash;
    for (; i + 32 <= size; i += 32) {
      memcpy(words, bytes + i, 32);
      hash = FoldMultiply(words[0] ^ hash, words[1] ^ 0xa4093822299f31d0u);
      other = FoldMultiply(words[2] ^ other, words[3] ^ 0x082efa98ec4e6c89u);
    }
    hash ^= other;
  }
  for (; i + 16 <= size; i += 16) {
    memcpy(words, bytes + i, 16);
    hash = FoldMultiply(words[0] ^ hash, words[1] ^ 0xbe5466cf34e90c6cu);
  }
  if (i < size) {
    words[0] = words[1] = 0;
    memcpy(words, bytes + i, size - i);
    hash = FoldMultiply(words[0] ^ hash, words[1] ^ 0xc0ac29b7c97c50ddu);
  }
  return FoldMultiply(hash, 0x3f84d5b5b5470917u);
}

}  // namespace kv
