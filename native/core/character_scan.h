// Classifying and skipping characters: what the word scanners of pretokenizer.cc are made of.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "core/unicode.h"
#include "core/utf8.h"

namespace kv {

using ClassMask = uint32_t;
constexpr ClassMask MaskOf(CharClass c) { return 1u << c; }

inline constexpr ClassMask kLetters = MaskOf(kUpper) | MaskOf(kLower) | MaskOf(kLetter);
inline constexpr ClassMask kMarks = MaskOf(kMark);
inline constexpr ClassMask kNumbers = MaskOf(kNumber);
inline constexpr ClassMask kPunctuations = MaskOf(kPunctuation);
inline constexpr ClassMask kSymbols = MaskOf(kSymbol);
inline constexpr ClassMask kOthers = MaskOf(kOther);
inline constexpr ClassMask kNewlines = MaskOf(kNewline);
inline constexpr ClassMask kSpaces = MaskOf(kSpace) | MaskOf(kNewline);
inline constexpr ClassMask kAnyClass = (1u << (kNewline + 1)) - 1;

// A range of text and the class table. Positions are pointers into the text.
struct CharacterScan {
  const uint8_t* end;
  const uint8_t* properties;

  struct Character {
    ClassMask mask;
    uint32_t size;
  };

  // REQUIRES: p < end.
  Character At(const uint8_t* p) const {
    const CodePoint code = DecodeUtf8(p);
    return {1u << (properties[code.value] & kClassBits), code.size};
  }

  // Class mask of the character at `p`, no class at the end.
  ClassMask MaskAt(const uint8_t* p) const { return p < end ? At(p).mask : 0; }

  // Behind the longest run of characters of `mask`. Letters get there eight bytes at a time.
  template <ClassMask mask>
  const uint8_t* Skip(const uint8_t* p) const {
    if constexpr ((mask & kLetters) == kLetters) p = SkipAsciiLetters(p);
    while (p < end) {
      const Character c = At(p);
      if ((c.mask & mask) == 0) break;
      p += c.size;
      if constexpr ((mask & kLetters) == kLetters) {
        if (c.size == 1) p = SkipAsciiLetters(p);
      }
    }
    return p;
  }

  // Reads up to eight bytes behind the end, which kTextPadding covers.
  const uint8_t* SkipAsciiLetters(const uint8_t* p) const {
    static_assert(kTextPadding >= 8);
    if constexpr (std::endian::native == std::endian::little) {
      constexpr uint64_t kOnes = 0x0101010101010101u;
      while (p < end) {
        uint64_t bytes;
        memcpy(&bytes, p, sizeof bytes);
        const uint64_t folded = (bytes | kOnes * 0x20) & kOnes * 0x7f;
        // The high bit of a byte says: at least 'a', not above 'z', and ASCII.
        const uint64_t letters = (folded + kOnes * (0x80 - 'a')) &
                                 ~(folded + kOnes * (0x7f - 'z')) & ~bytes & kOnes * 0x80;
        const uint64_t others = ~letters & kOnes * 0x80;
        if (others != 0) {
          p += std::countr_zero(others) >> 3;
          break;
        }
        p += 8;
      }
      return p < end ? p : end;
    } else {
      while (p < end && static_cast<uint8_t>((*p | 0x20) - 'a') < 26) ++p;
      return p;
    }
  }
};

}  // namespace kv
