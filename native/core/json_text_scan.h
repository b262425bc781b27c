// The plain text inside a JSON string, 16 bytes at a time where the CPU has SSE2.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace kv {

// What a run of plain text inside a string ended with.
struct PlainRun {
  size_t size;
  bool is_ascii;
};

inline bool EndsPlainText(uint8_t byte) { return byte == '"' || byte == '\\' || byte < 0x20; }

// Bytes before the first quote, backslash or control character. With `copy` they are also written
// there, and up to 15 bytes more.
inline PlainRun SkipPlainText(const uint8_t* text, size_t size, uint8_t* copy) {
  size_t i = 0;
  uint32_t high_bits = 0;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1f);
  for (; i + 16 <= size; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i));
    if (copy != nullptr) _mm_storeu_si128(reinterpret_cast<__m128i*>(copy + i), bytes);
    const __m128i ends =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes));
    const auto high = static_cast<uint32_t>(_mm_movemask_epi8(bytes));
    const auto found = static_cast<uint32_t>(_mm_movemask_epi8(ends));
    if (found != 0) {
      const int place = std::countr_zero(found);
      high_bits |= high & ((1u << place) - 1);
      return {i + static_cast<size_t>(place), high_bits == 0};
    }
    high_bits |= high;
  }
#endif
  for (; i < size && !EndsPlainText(text[i]); ++i) {
    if (copy != nullptr) copy[i] = text[i];
    high_bits |= text[i] & 0x80u;
  }
  return {i, high_bits == 0};
}

// -1: none.
inline int HexDigit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  const uint8_t lower = byte | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

inline bool IsDigit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

}  // namespace kv
