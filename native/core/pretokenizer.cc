#include "core/pretokenizer.h"

#include "core/gap_patterns.h"
#include "core/whole_patterns.h"

namespace kv {
namespace {

using namespace patterns;

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
