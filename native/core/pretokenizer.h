// Cuts text into the words that are merged separately: the pre_tokenizer part of tokenizer.json.
//
// The patterns of the known families are scanners written by hand; each gives the same words as
// Oniguruma does with the family's regular expression, in time linear in the text.
//
// Thread safety: immutable after construction.
// Invariants:
//  (1) The words of a text are contiguous, not empty and cover it.
//  (2) A scanner keeps no state between words: the words after a boundary depend only on the text
//      after it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/buffer.h"

namespace kv {

enum class SplitRule : uint8_t {
  // Whole patterns: every character belongs to a match.
  kGpt2,
  kCl100k,  // GPT-3.5, Llama 3, GLM-4, Phi-4: numbers of up to three digits
  kQwen2,   // the same with single digits
  kQwen35,  // the same with marks as part of words
  kO200k,   // GPT-4o, gpt-oss, Llama 4
  kTekken,  // Mistral since Nemo
  // DeepSeek V3 and R1: characters between matches are words too.
  kDeepSeekWords,
  // Parts of a sequence of splits.
  kNumbers3,          // \p{N}{1,3}
  kNumber,            // \p{N}
  kKanaAndHan,        // [U+4E00-U+9FA5 U+3040-U+309F U+30A0-U+30FF]+
  kHanToHangul,       // [U+4E00-U+9FA5 U+0800-U+4E00 U+AC00-U+D7FF]+
  kNewline,           // [\r\n]
  kSpaceLetters,      // \s?\p{L}+
  kSpacePunctuation,  // \s?\p{P}+
  kDigit,             // Digits, individual
  kDigits,            // Digits, contiguous
};

// The rule's name in a tokenizer's specification, such as "cl100k".
std::optional<SplitRule> FindSplitRule(std::string_view name);

class Pretokenizer {
 public:
  explicit Pretokenizer(std::vector<SplitRule> rules) : rules_(std::move(rules)) {}

  // Replaces `ends` by the offsets behind each word. `spare` is scratch memory.
  // REQUIRES: `text` is valid UTF-8 and kTextPadding bytes behind it are readable.
  void Split(const uint8_t* text, uint32_t size, Buffer<uint32_t>* ends,
             Buffer<uint32_t>* spare) const;

 private:
  std::vector<SplitRule> rules_;
};

}  // namespace kv
