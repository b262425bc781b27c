// Where a text can be cut in two so that the halves tokenize as the whole does.
//
// A cut lies between a space and what is no white space before it, or between a letter and a CJK
// comma or full stop. It is safe because
//  - every accepted pattern ends a match there, and none looks at what stands before a match;
//  - normalisation does not reach across: neither character combines with what precedes it, and
//    what precedes it is left alone;
//  - no added token of the normalised text lies across a cut or looks at its surroundings.
// The place of a cut depends only on the text before it and the character behind it, so a text that
// grows keeps its cuts.
#pragma once

#include <cstdint>
#include <span>

#include "core/added_tokens.h"
#include "core/pretokenizer.h"

namespace kv {

class SafeCut {
 public:
  // With `prefix_space` every text is given a space in front, halves too: nothing is cut.
  SafeCut(std::span<const SplitRule> rules, const AddedTokens& normalized_tokens,
          bool prefix_space);

  // First cut at or behind `from`, `size` if there is none. Any bytes will do for a text.
  // REQUIRES: from > 0.
  uint32_t Find(const uint8_t* text, uint32_t from, uint32_t size) const;

 private:
  bool allowed_;
};

}  // namespace kv
