// Patterns whose matches cover every text, each a scanner written by hand: Next() is the end of the
// word at `p`, as Oniguruma finds it with the regular expression above the scanner. REQUIRES:
// p < scan.end.
#pragma once

#include "core/character_scan.h"

namespace kv::patterns {

using Scan = CharacterScan;
using Text = const uint8_t*;

// (?i:'s|'t|'re|'ve|'m|'ll|'d) at `p`, or null. The long s (U+017F) folds to s.
inline Text Contraction(const Scan& scan, Text p) {
  if (scan.end - p < 2 || *p != '\'') return nullptr;
  const uint8_t first = p[1] | 0x20;
  if (p[1] < 0x80) {
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return p + 2;
    if (scan.end - p < 3 || p[2] >= 0x80) return nullptr;
    const uint8_t second = p[2] | 0x20;
    if ((first == 'r' || first == 'v') && second == 'e') return p + 3;
    return first == 'l' && second == 'l' ? p + 3 : nullptr;
  }
  return scan.end - p >= 3 && p[1] == 0xc5 && p[2] == 0xbf ? p + 3 : nullptr;
}

// 's|'t|'re|'ve|'m|'ll|'d as written.
inline Text PlainContraction(const Scan& scan, Text p) {
  const Text found = Contraction(scan, p);
  if (found == nullptr) return nullptr;
  for (Text q = p + 1; q < found; ++q) {
    if (*q < 'a' || *q > 'z') return nullptr;
  }
  return found;
}

// \s*[\r\n]+|\s+(?!\S)|\s+ (or only the last two): a run up to its last newline; without one, all
// of it at the end of the text, all but its last character before something else.
template <bool newlines>
Text Whitespace(const Scan& scan, Text p) {
  Text behind_newline = nullptr;
  Text last = p;
  Text q = p;
  while (q < scan.end) {
    const Scan::Character c = scan.At(q);
    if ((c.mask & kSpaces) == 0) break;
    last = q;
    q += c.size;
    if (newlines && (c.mask & kNewlines) != 0) behind_newline = q;
  }
  if (behind_newline != nullptr) return behind_newline;
  return q == scan.end || last == p ? q : last;
}

// Up to `max_digits` numbers, the first of which is known.
template <int max_digits>
Text Numbers(const Scan& scan, Text p) {
  for (int i = 0; i < max_digits && p < scan.end; ++i) {
    const Scan::Character c = scan.At(p);
    if ((c.mask & kNumbers) == 0) break;
    p += c.size;
  }
  return p;
}

// '...| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
struct Gpt2 {
  static Text Next(const Scan& scan, Text p) {
    if (const Text found = PlainContraction(scan, p)) return found;
    const Text q = *p == ' ' ? p + 1 : p;
    const ClassMask mask = scan.MaskAt(q);
    if (mask & kLetters) return scan.Skip<kLetters>(q);
    if (mask & kNumbers) return scan.Skip<kNumbers>(q);
    if (mask & ~kSpaces) return scan.Skip<kAnyClass & ~(kSpaces | kLetters | kNumbers)>(q);
    return Whitespace<false>(scan, p);
  }
};

// (?i:'...)|[^\r\n\p{L}\p{N}]?W+|\p{N}{1,max}| ?[^\s W \p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
// with W the letters, or letters and marks. A mark that could be the optional character starts
// the same word without being it.
template <ClassMask words, int max_digits>
struct Cl100k {
  static constexpr ClassMask kRest = kAnyClass & ~(kSpaces | kNumbers | words);

  static Text Next(const Scan& scan, Text p) {
    if (const Text found = Contraction(scan, p)) return found;
    const Scan::Character c = scan.At(p);
    if (c.mask & words) return scan.Skip<words>(p + c.size);
    if (c.mask & kNumbers) return Numbers<max_digits>(scan, p);
    const Text q = p + c.size;
    const ClassMask next = scan.MaskAt(q);
    if ((c.mask & kNewlines) == 0 && (next & words)) return scan.Skip<words>(q);
    if ((c.mask & kRest) || (*p == ' ' && (next & kRest))) {
      return scan.Skip<kNewlines>(scan.Skip<kRest>(q));
    }
    return Whitespace<true>(scan, p);
  }
};

// X?U*W+C?|X?U+W*C?|\p{N}{1,max}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
// with X = [^\r\n\p{L}\p{N}], U upper case, W lower case, both with caseless letters and marks,
// and C the contractions of Cl100k.
template <int max_digits, bool contractions>
struct O200k {
  static constexpr ClassMask kCaseless = MaskOf(kLetter) | kMarks;
  static constexpr ClassMask kUpperRun = MaskOf(kUpper) | kCaseless;
  static constexpr ClassMask kLowerRun = MaskOf(kLower) | kCaseless;
  static constexpr ClassMask kRest = kAnyClass & ~(kSpaces | kNumbers | kLetters);

  static Text Next(const Scan& scan, Text p) {
    const Scan::Character c = scan.At(p);
    const Text q = p + c.size;
    const bool optional = (c.mask & (kLetters | kNumbers | kNewlines)) == 0;
    if (optional && (scan.MaskAt(q) & (kLetters | kMarks))) {
      // A mark stands alone when only upper case follows: without the optional character it is
      // the W+ of the first alternative, which comes before the second one.
      const bool lower = HasLowerRun(scan, q);
      if (lower || (c.mask & kMarks) == 0) return Word(scan, q);
      return Suffix(scan, q);
    }
    if (c.mask & (kLetters | kMarks)) return Word(scan, p);
    if (c.mask & kNumbers) return Numbers<max_digits>(scan, p);
    if ((c.mask & kRest) || (*p == ' ' && (scan.MaskAt(q) & kRest))) {
      Text r = scan.Skip<kRest>(q);
      while (r < scan.end && (*r == '\r' || *r == '\n' || *r == '/')) ++r;
      return r;
    }
    return Whitespace<true>(scan, p);
  }

 private:
  // Whether U*W+ matches at `p`.
  static bool HasLowerRun(const Scan& scan, Text p) {
    while (p < scan.end) {
      const Scan::Character c = scan.At(p);
      if (c.mask & kLowerRun) return true;
      if ((c.mask & kUpperRun) == 0) return false;
      p += c.size;
    }
    return false;
  }

  // U*W+ or, where that fails, U+. REQUIRES: a letter or mark at `p`.
  static Text Word(const Scan& scan, Text p) {
    Text behind_caseless = nullptr;
    Text q = p;
    while (q < scan.end) {
      const Scan::Character c = scan.At(q);
      if ((c.mask & kUpperRun) == 0) {
        if (c.mask & kLowerRun) return Suffix(scan, scan.Skip<kLowerRun>(q + c.size));
        break;
      }
      q += c.size;
      if (c.mask & kCaseless) behind_caseless = q;
    }
    // U* gives characters back until W+ has one.
    return Suffix(scan, behind_caseless != nullptr ? behind_caseless : q);
  }

  static Text Suffix(const Scan& scan, Text p) {
    if constexpr (contractions) {
      if (const Text found = Contraction(scan, p)) return found;
    }
    return p;
  }
};

}  // namespace kv::patterns
