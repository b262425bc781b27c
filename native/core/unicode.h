// Properties of code points, as the Hugging Face library sees them.
//
// Thread safety: immutable once built; the first caller of Unicode() builds it.
#pragma once

#include <cstdint>

namespace kv {

// A partition of all code points: general categories where the pre-tokenizers' patterns tell them
// apart, and White_Space, which none of the letter to symbol categories touches.
enum CharClass : uint8_t {
  kOther,        // control, format, unassigned, private use
  kUpper,        // Lu, Lt
  kLower,        // Ll
  kLetter,       // Lm, Lo
  kMark,         // M
  kNumber,       // N
  kPunctuation,  // P
  kSymbol,       // S
  kSpace,        // \s but CR and LF
  kNewline,      // CR, LF
};

inline constexpr uint8_t kClassBits = 0x0f;
// \w of the regular expressions that check `single_word` tokens.
inline constexpr uint8_t kWordProperty = 0x10;
// Rust's char::is_numeric, which the Digits pre-tokenizer uses.
inline constexpr uint8_t kNumericProperty = 0x20;
// Text without such characters is in normal form C.
inline constexpr uint8_t kUnstableProperty = 0x40;

inline constexpr uint32_t kCodePointCount = 0x110000;
// All code points with a combining class lie below.
inline constexpr uint32_t kCombiningLimit = 0x20000;

struct UnicodeTables {
  uint8_t properties[kCodePointCount];
  uint8_t combining[kCombiningLimit];
};

const UnicodeTables& Unicode();

}  // namespace kv
