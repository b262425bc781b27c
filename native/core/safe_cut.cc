#include "core/safe_cut.h"

#include <algorithm>

#include "core/character_scan.h"

namespace kv {
namespace {

// Rules whose matches never hold a space behind something else, nor a letter and CJK punctuation
// behind it, and that leave no spaces between matches.
bool EndsAtCuts(SplitRule rule) {
  switch (rule) {
    case SplitRule::kGpt2:
    case SplitRule::kCl100k:
    case SplitRule::kQwen2:
    case SplitRule::kQwen35:
    case SplitRule::kO200k:
    case SplitRule::kTekken:
    case SplitRule::kDeepSeekWords:
      return true;
    default:
      return false;
  }
}

// U+3001 U+3002 U+FF0C.
bool IsCjkPunctuation(const uint8_t* text, uint32_t size) {
  if (size < 3) return false;
  return (text[0] == 0xe3 && text[1] == 0x80 && (text[2] == 0x81 || text[2] == 0x82)) ||
         (text[0] == 0xef && text[1] == 0xbc && text[2] == 0x8c);
}

// Whether a character of `mask` that is its own normal form ends at `i`.
bool IsBehind(ClassMask mask, const uint8_t* text, uint32_t i) {
  uint32_t begin = i - 1;
  while (begin > 0 && i - begin < 4 && IsUtf8Continuation(text[begin])) --begin;
  if (ValidUtf8Prefix(text + begin, i - begin) != i - begin) return false;
  const CodePoint code = DecodeUtf8(text + begin);
  const uint8_t properties = Unicode().properties[code.value];
  return begin + code.size == i && (1u << (properties & kClassBits) & mask) != 0 &&
         (properties & kUnstableProperty) == 0;
}

uint32_t FindCut(const uint8_t* text, uint32_t from, uint32_t size) {
  for (uint32_t i = from; i < size; ++i) {
    if (text[i] == ' ' && IsBehind(kAnyClass & ~kSpaces, text, i)) return i;
    if (IsCjkPunctuation(text + i, size - i) && IsBehind(kLetters, text, i)) return i;
  }
  return size;
}

bool LeavesCutsAlone(const AddedToken& token) {
  const auto* content = reinterpret_cast<const uint8_t*>(token.content.data());
  const auto size = static_cast<uint32_t>(token.content.size());
  return !token.single_word && !token.lstrip && !token.rstrip && FindCut(content, 1, size) == size;
}

}  // namespace

SafeCut::SafeCut(std::span<const SplitRule> rules, const AddedTokens& normalized_tokens,
                 bool prefix_space) {
  // The Han to Hangul range holds CJK punctuation.
  allowed_ = !prefix_space && std::any_of(rules.begin(), rules.end(), EndsAtCuts) &&
             std::find(rules.begin(), rules.end(), SplitRule::kHanToHangul) == rules.end() &&
             std::all_of(normalized_tokens.tokens().begin(), normalized_tokens.tokens().end(),
                         LeavesCutsAlone);
}

uint32_t SafeCut::Find(const uint8_t* text, uint32_t from, uint32_t size) const {
  return allowed_ && from < size ? FindCut(text, from, size) : size;
}

}  // namespace kv
