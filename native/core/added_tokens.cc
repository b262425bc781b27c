#include "core/added_tokens.h"

#include <algorithm>
#include <cstring>

#include "core/unicode.h"
#include "core/utf8.h"
#include "core/vocabulary.h"

namespace kv {
namespace {

// White space of the regex crate: the same set as Oniguruma's \s.
bool IsSpace(uint32_t code) {
  const uint8_t char_class = Unicode().properties[code] & kClassBits;
  return char_class == kSpace || char_class == kNewline;
}

bool IsWord(uint32_t code) { return (Unicode().properties[code] & kWordProperty) != 0; }

// Start of the character that ends at `i`. REQUIRES: i > 0.
uint32_t PreviousCharacter(const uint8_t* text, uint32_t i) {
  do --i;
  while (i > 0 && IsUtf8Continuation(text[i]));
  return i;
}

bool TouchesWord(const uint8_t* text, uint32_t size, uint32_t begin, uint32_t end) {
  if (begin > 0 && IsWord(DecodeUtf8(text + PreviousCharacter(text, begin)).value)) return true;
  return end < size && IsWord(DecodeUtf8(text + end).value);
}

uint32_t SkipSpacesBack(const uint8_t* text, uint32_t i) {
  while (i > 0) {
    const uint32_t previous = PreviousCharacter(text, i);
    if (!IsSpace(DecodeUtf8(text + previous).value)) break;
    i = previous;
  }
  return i;
}

uint32_t SkipSpaces(const uint8_t* text, uint32_t i, uint32_t size) {
  while (i < size) {
    const CodePoint code = DecodeUtf8(text + i);
    if (!IsSpace(code.value)) break;
    i += code.size;
  }
  return i;
}

// Positions where a token may start. Few first bytes are searched one by one with memchr, each of
// them once over the text.
class Candidates {
 public:
  static constexpr size_t kSearchedMax = 4;

  Candidates(const std::vector<uint8_t>& first_bytes, const uint8_t* text, uint32_t size)
      : first_bytes_(first_bytes), text_(text), size_(size) {
    for (size_t k = 0; k < first_bytes.size(); ++k) next_[k] = Search(first_bytes[k], 0);
  }

  // The first one at or behind `i`, or the size of the text. REQUIRES: `i` does not go back.
  uint32_t From(uint32_t i) {
    uint32_t first = size_;
    for (size_t k = 0; k < first_bytes_.size(); ++k) {
      if (next_[k] < i) next_[k] = Search(first_bytes_[k], i);
      first = std::min(first, next_[k]);
    }
    return first;
  }

 private:
  uint32_t Search(uint8_t byte, uint32_t i) const {
    const void* const found = i < size_ ? memchr(text_ + i, byte, size_ - i) : nullptr;
    if (found == nullptr) return size_;
    return static_cast<uint32_t>(static_cast<const uint8_t*>(found) - text_);
  }

  const std::vector<uint8_t>& first_bytes_;
  const uint8_t* const text_;
  const uint32_t size_;
  uint32_t next_[kSearchedMax] = {};
};

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  // Sorted, the tokens under one node of the trie are neighbours, the node's own token first.
  std::sort(tokens_.begin(), tokens_.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.content < b.content; });
  struct Pending {
    uint32_t node;
    size_t begin;
    size_t end;
    size_t depth;
  };
  nodes_.push_back({0, 0, kNoToken});
  std::vector<Pending> pending{{0, 0, tokens_.size(), 0}};
  while (!pending.empty()) {
    auto [node, begin, end, depth] = pending.back();
    pending.pop_back();
    if (begin < end && tokens_[begin].content.size() == depth) {
      nodes_[node].token = static_cast<uint32_t>(begin++);
    }
    nodes_[node].first_edge = static_cast<uint32_t>(edges_.size());
    while (begin < end) {
      const char byte = tokens_[begin].content[depth];
      const size_t first = begin;
      while (begin < end && tokens_[begin].content[depth] == byte) ++begin;
      const auto target = static_cast<uint32_t>(nodes_.size());
      edges_.push_back({static_cast<uint8_t>(byte), target});
      ++nodes_[node].edge_count;
      nodes_.push_back({0, 0, kNoToken});
      pending.push_back({target, first, begin, depth + 1});
    }
  }
  memset(root_targets_, 0, sizeof root_targets_);
  for (uint32_t e = 0; e < nodes_[0].edge_count; ++e) {
    root_targets_[edges_[e].byte] = edges_[e].target;
    first_bytes_.push_back(edges_[e].byte);
  }
  for (const AddedToken& token : tokens_) {
    reads_context_ |= token.single_word || token.lstrip || token.rstrip;
  }
}

uint32_t AddedTokens::LongestAt(const uint8_t* text, uint32_t i, uint32_t size) const {
  uint32_t longest = kNoToken;
  uint32_t node = root_targets_[text[i++]];
  while (node != 0) {
    if (nodes_[node].token != kNoToken) longest = nodes_[node].token;
    if (i == size) break;
    const Edge* edge = edges_.data() + nodes_[node].first_edge;
    const Edge* const end = edge + nodes_[node].edge_count;
    while (edge != end && edge->byte != text[i]) ++edge;
    node = edge != end ? edge->target : 0;
    ++i;
  }
  return longest;
}

void AddedTokens::Split(const uint8_t* text, uint32_t size, Buffer<TextPart>* parts) const {
  if (first_bytes_.size() <= Candidates::kSearchedMax) {
    Candidates candidates(first_bytes_, text, size);
    return SplitAt(
        text, size, [&](uint32_t i) { return candidates.From(i); }, parts);
  }
  const auto next = [&](uint32_t i) {
    while (i < size && root_targets_[text[i]] == 0) ++i;
    return i;
  };
  SplitAt(text, size, next, parts);
}

template <typename NextCandidate>
void AddedTokens::SplitAt(const uint8_t* text, uint32_t size, NextCandidate next_candidate,
                          Buffer<TextPart>* parts) const {
  const auto append = [parts](uint32_t begin, uint32_t end, uint32_t id) {
    if (begin >= end) return;
    const TextPart part{begin, end, id};
    parts->Append(&part, 1);
  };
  uint32_t done = 0;
  for (uint32_t i = next_candidate(0); i < size; i = next_candidate(i)) {
    const uint32_t index = LongestAt(text, i, size);
    if (index == kNoToken) {
      ++i;
      continue;
    }
    const AddedToken& token = tokens_[index];
    uint32_t begin = i;
    uint32_t end = i + static_cast<uint32_t>(token.content.size());
    // The search goes on behind the match itself, whatever becomes of it: so does the library's.
    i = end;
    if (token.single_word && TouchesWord(text, size, begin, end)) continue;
    // Stripped white space may hold the next match, which then begins before `done`.
    if (token.lstrip) begin = std::max(SkipSpacesBack(text, begin), done);
    if (token.rstrip) end = SkipSpaces(text, end, size);
    append(done, begin, kNoToken);
    append(begin, end, token.id);
    done = end;
  }
  append(done, size, kNoToken);
}

}  // namespace kv
