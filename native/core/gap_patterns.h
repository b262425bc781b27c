// Patterns that leave gaps between matches, each a scanner written by hand: Next() is the first
// match at or behind `p`, as Oniguruma finds it; empty at the end of the text if there is none.
#pragma once

#include "core/whole_patterns.h"

namespace kv::patterns {

struct Match {
  Text begin;
  Text end;
};

// [!-/:-~ punctuation][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|
// \s*[\r\n]+|\s+(?!\S)|\s+
struct DeepSeekWords {
  static constexpr ClassMask kWords = kLetters | kMarks;
  static constexpr ClassMask kSigns = kPunctuations | kSymbols;

  static Match Next(const Scan& scan, Text p) {
    for (Text q = p; q < scan.end;) {
      const Text end = At(scan, q);
      if (end != nullptr) return {q, end};
      q += DecodeUtf8(q).size;
    }
    return {scan.end, scan.end};
  }

 private:
  static Text At(const Scan& scan, Text p) {
    const Scan::Character c = scan.At(p);
    const Text q = p + c.size;
    if (c.mask & kWords) return scan.Skip<kWords>(q);
    if (c.mask & kSigns) {
      if (c.size == 1) {
        const Text letters = scan.SkipAsciiLetters(q);
        if (letters != q) return letters;
      }
      return scan.Skip<kNewlines>(scan.Skip<kSigns>(q));
    }
    const ClassMask next = scan.MaskAt(q);
    if ((c.mask & kNewlines) == 0 && (next & kWords)) return scan.Skip<kWords>(q);
    if (*p == ' ' && (next & kSigns)) return scan.Skip<kNewlines>(scan.Skip<kSigns>(q));
    return c.mask & kSpaces ? Whitespace<true>(scan, p) : nullptr;
  }
};

// A run of at most `max` characters that `Contains` accepts, after an optional white space.
template <typename Contains, uint32_t max, bool space>
struct Run {
  static Match Next(const Scan& scan, Text p) {
    Text before = nullptr;  // the white space just before q
    for (Text q = p; q < scan.end;) {
      const CodePoint code = DecodeUtf8(q);
      if (Contains::Has(scan, code.value)) return {before != nullptr ? before : q, End(scan, q)};
      if (space) before = Class(scan, code.value) & kSpaces ? q : nullptr;
      q += code.size;
    }
    return {scan.end, scan.end};
  }

  static ClassMask Class(const Scan& scan, uint32_t code) {
    return 1u << (scan.properties[code] & kClassBits);
  }

 private:
  static Text End(const Scan& scan, Text p) {
    for (uint32_t i = 0; i < max && p < scan.end; ++i) {
      const CodePoint code = DecodeUtf8(p);
      if (!Contains::Has(scan, code.value)) break;
      p += code.size;
    }
    return p;
  }
};

inline constexpr uint32_t kUnlimited = ~0u;

template <ClassMask mask>
struct OfClass {
  static bool Has(const Scan& scan, uint32_t code) {
    return (1u << (scan.properties[code] & kClassBits) & mask) != 0;
  }
};
struct OfNumeric {
  static bool Has(const Scan& scan, uint32_t code) {
    return (scan.properties[code] & kNumericProperty) != 0;
  }
};
struct OfKanaAndHan {
  static bool Has(const Scan&, uint32_t code) {
    return (code >= 0x4e00 && code <= 0x9fa5) || (code >= 0x3040 && code <= 0x30ff);
  }
};
struct OfHanToHangul {
  static bool Has(const Scan&, uint32_t code) {
    return (code >= 0x0800 && code <= 0x9fa5) || (code >= 0xac00 && code <= 0xd7ff);
  }
};

}  // namespace kv::patterns
