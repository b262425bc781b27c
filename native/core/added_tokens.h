// Tokens that are cut out of the text before anything else sees it: the added_tokens part of
// tokenizer.json. Matching is leftmost-longest; the flags act as in the Hugging Face library.
//
// Thread safety: immutable after construction.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/buffer.h"

namespace kv {

struct AddedToken {
  std::string content;  // UTF-8, not empty
  uint32_t id;
  bool single_word;  // only where no word character touches it
  bool lstrip;       // takes the white space before it
  bool rstrip;       // takes the white space behind it
};

// A part of a text: an added token, or text between them (id kNoToken).
struct TextPart {
  uint32_t begin;
  uint32_t end;
  uint32_t id;
};

class AddedTokens {
 public:
  // REQUIRES: no two contents are equal.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }
  // Whether a token's place depends on what stands around it, so that text has to be valid UTF-8.
  bool reads_context() const { return reads_context_; }
  std::span<const AddedToken> tokens() const { return tokens_; }

  // Appends the parts of `text`, none of them empty.
  void Split(const uint8_t* text, uint32_t size, Buffer<TextPart>* parts) const;

 private:
  struct Node {
    uint32_t first_edge;
    uint32_t edge_count;
    uint32_t token;  // index into tokens_, kNoToken if none ends here
  };
  struct Edge {
    uint8_t byte;
    uint32_t target;
  };

  // `next_candidate(i)` is the first position at or behind `i` where a token may start.
  template <typename NextCandidate>
  void SplitAt(const uint8_t* text, uint32_t size, NextCandidate next_candidate,
               Buffer<TextPart>* parts) const;
  // The longest token that starts at `i`, kNoToken if none does.
  uint32_t LongestAt(const uint8_t* text, uint32_t i, uint32_t size) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  uint32_t root_targets_[256];  // node behind each first byte, 0 if no token starts with it
  std::vector<uint8_t> first_bytes_;
  bool reads_context_ = false;
};

}  // namespace kv
