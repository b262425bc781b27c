#include "core/pretokenizer.h"

#include "core/character_scan.h"

namespace kv {
namespace {

using Scan = CharacterScan;
using Text = const uint8_t*;

// ---- Parts that several patterns share -------------------------------------------------------

// (?i:'s|'t|'re|'ve|'m|'ll|'d) at `p`, or null. The long s (U+017F) folds to s.
Text Contraction(const Scan& scan, Text p) {
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
Text PlainContraction(const Scan& scan, Text p) {
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

// ---- Whole patterns: the end of the word at `p` -----------------------------------------------

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

// ---- Patterns with gaps: the next match at or behind a position --------------------------------

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

// ---- Driving them --------------------------------------------------------------------------

// Where a split reads from and writes to; offsets count from `text`.
struct Pieces {
  Text text;
  const uint32_t* ends;
  size_t count;
  Buffer<uint32_t>* out;
};

template <typename Pattern>
void SplitWhole(const Pieces& pieces) {
  Text p = pieces.text;
  uint32_t* out = pieces.out->Reserve(pieces.ends[pieces.count - 1]);
  size_t words = 0;
  for (size_t i = 0; i < pieces.count; ++i) {
    const Scan scan{pieces.text + pieces.ends[i], Unicode().properties};
    while (p < scan.end) {
      p = Pattern::Next(scan, p);
      out[words++] = static_cast<uint32_t>(p - pieces.text);
    }
  }
  pieces.out->Grow(words);
}

template <typename Pattern>
void SplitWithGaps(const Pieces& pieces) {
  Text p = pieces.text;
  uint32_t* out = pieces.out->Reserve(pieces.ends[pieces.count - 1]);
  size_t words = 0;
  for (size_t i = 0; i < pieces.count; ++i) {
    const Scan scan{pieces.text + pieces.ends[i], Unicode().properties};
    while (p < scan.end) {
      const Match match = Pattern::Next(scan, p);
      if (match.begin != p) out[words++] = static_cast<uint32_t>(match.begin - pieces.text);
      if (match.end != match.begin) out[words++] = static_cast<uint32_t>(match.end - pieces.text);
      p = match.end;
    }
  }
  pieces.out->Grow(words);
}

void SplitBy(SplitRule rule, const Pieces& pieces) {
  switch (rule) {
    case SplitRule::kGpt2:
      return SplitWhole<Gpt2>(pieces);
    case SplitRule::kCl100k:
      return SplitWhole<Cl100k<kLetters, 3>>(pieces);
    case SplitRule::kQwen2:
      return SplitWhole<Cl100k<kLetters, 1>>(pieces);
    case SplitRule::kQwen35:
      return SplitWhole<Cl100k<kLetters | kMarks, 1>>(pieces);
    case SplitRule::kO200k:
      return SplitWhole<O200k<3, true>>(pieces);
    case SplitRule::kTekken:
      return SplitWhole<O200k<1, false>>(pieces);
    case SplitRule::kDeepSeekWords:
      return SplitWithGaps<DeepSeekWords>(pieces);
    case SplitRule::kNumbers3:
      return SplitWithGaps<Run<OfClass<kNumbers>, 3, false>>(pieces);
    case SplitRule::kNumber:
      return SplitWithGaps<Run<OfClass<kNumbers>, 1, false>>(pieces);
    case SplitRule::kKanaAndHan:
      return SplitWithGaps<Run<OfKanaAndHan, kUnlimited, false>>(pieces);
    case SplitRule::kHanToHangul:
      return SplitWithGaps<Run<OfHanToHangul, kUnlimited, false>>(pieces);
    case SplitRule::kNewline:
      return SplitWithGaps<Run<OfClass<kNewlines>, 1, false>>(pieces);
    case SplitRule::kSpaceLetters:
      return SplitWithGaps<Run<OfClass<kLetters>, kUnlimited, true>>(pieces);
    case SplitRule::kSpacePunctuation:
      return SplitWithGaps<Run<OfClass<kPunctuations>, kUnlimited, true>>(pieces);
    case SplitRule::kDigit:
      return SplitWithGaps<Run<OfNumeric, 1, false>>(pieces);
    case SplitRule::kDigits:
      return SplitWithGaps<Run<OfNumeric, kUnlimited, false>>(pieces);
  }
}

struct NamedRule {
  std::string_view name;
  SplitRule rule;
};
constexpr NamedRule kNamedRules[] = {
    {"gpt2", SplitRule::kGpt2},
    {"cl100k", SplitRule::kCl100k},
    {"qwen2", SplitRule::kQwen2},
    {"qwen3.5", SplitRule::kQwen35},
    {"o200k", SplitRule::kO200k},
    {"tekken", SplitRule::kTekken},
    {"deepseek-words", SplitRule::kDeepSeekWords},
    {"numbers-3", SplitRule::kNumbers3},
    {"number", SplitRule::kNumber},
    {"kana-and-han", SplitRule::kKanaAndHan},
    {"han-to-hangul", SplitRule::kHanToHangul},
    {"newline", SplitRule::kNewline},
    {"space-letters", SplitRule::kSpaceLetters},
    {"space-punctuation", SplitRule::kSpacePunctuation},
    {"digit", SplitRule::kDigit},
    {"digits", SplitRule::kDigits},
};

}  // namespace

std::optional<SplitRule> FindSplitRule(std::string_view name) {
  for (const NamedRule& named : kNamedRules) {
    if (named.name == name) return named.rule;
  }
  return std::nullopt;
}

void Pretokenizer::Split(const uint8_t* text, uint32_t size, Buffer<uint32_t>* ends,
                         Buffer<uint32_t>* spare) const {
  ends->Clear();
  if (size == 0) return;
  spare->Clear();
  spare->Append(&size, 1);
  Buffer<uint32_t>* from = spare;
  Buffer<uint32_t>* to = ends;
  for (const SplitRule rule : rules_) {
    to->Clear();
    SplitBy(rule, {text, from->data(), from->size(), to});
    std::swap(from, to);
  }
  if (from != ends) {
    ends->Clear();
    ends->Append(from->data(), from->size());
  }
}

}  // namespace kv
