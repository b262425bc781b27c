#include "core/character_tokens.h"

#include <algorithm>
#include <map>

namespace kv {
namespace {

constexpr uint32_t kIndexed = 0x10000;

bool IsCharacter(std::span<const uint8_t> bytes) {
  return bytes.size() >= 2 && bytes.size() <= 3 &&
         ValidUtf8Prefix(bytes.data(), bytes.size()) == bytes.size() &&
         DecodeUtf8(bytes.data()).size == bytes.size();
}

}  // namespace

// What the merges say about each token.
class CharacterTokens::Builder {
 public:
  Builder(std::span<const TokenBytes> tokens, std::span<const Merge> merges,
          const MergeTable& table)
      : table_(table) {
    uint32_t id_limit = 0;
    for (const TokenBytes& token : tokens) id_limit = std::max(id_limit, token.id + 1);
    facts_.resize(id_limit);
    for (const TokenBytes& token : tokens) {
      facts_[token.id].first = token.bytes.front();
      facts_[token.id].last = token.bytes.back();
    }
    for (uint32_t rank = 0; rank < merges.size(); ++rank) {
      const auto [left, right, merged] = merges[rank];
      facts_[left].lowest_rank = std::min(facts_[left].lowest_rank, rank);
      facts_[right].lowest_rank = std::min(facts_[right].lowest_rank, rank);
      Add(facts_[right].before, facts_[left].last);
      Add(facts_[left].behind, facts_[right].first);
    }
  }

  // Merges the character alone; false if it does not qualify anywhere.
  bool Examine(const TokenBytes& character, ByteSet* before, ByteSet* behind) const {
    uint32_t symbols[3];
    size_t count = 0;
    for (const uint8_t byte : character.bytes) symbols[count++] = table_.ByteToken(byte);
    uint32_t highest = 0;
    while (count > 1) {
      Add(before, facts_[symbols[0]].before);
      Add(behind, facts_[symbols[count - 1]].behind);
      size_t at = 0;
      uint32_t lowest = kNoMerge;
      for (size_t i = 0; i + 1 < count; ++i) {
        const uint32_t rank = table_.Rank(symbols[i], symbols[i + 1]);
        if (rank < lowest) {
          lowest = rank;
          at = i;
        }
      }
      if (lowest == kNoMerge) return false;
      highest = std::max(highest, lowest);
      symbols[at] = table_.Merged(lowest);
      for (size_t i = at + 1; i + 1 < count; ++i) symbols[i] = symbols[i + 1];
      --count;
    }
    return symbols[0] == character.id && facts_[character.id].lowest_rank > highest;
  }

 private:
  struct Facts {
    // Of what merges in front of the token, and behind it: last and first bytes.
    std::unique_ptr<ByteSet> before;
    std::unique_ptr<ByteSet> behind;
    uint32_t lowest_rank = kNoMerge;  // of the merges that take it
    uint8_t first = 0;
    uint8_t last = 0;
  };

  static void Add(std::unique_ptr<ByteSet>& set, uint8_t byte) {
    if (set == nullptr) set = std::make_unique<ByteSet>();
    (*set)[byte >> 6] |= uint64_t{1} << (byte & 63);
  }
  static void Add(ByteSet* sum, const std::unique_ptr<ByteSet>& set) {
    for (size_t i = 0; set != nullptr && i < sum->size(); ++i) (*sum)[i] |= (*set)[i];
  }

  const MergeTable& table_;
  std::vector<Facts> facts_;
};

CharacterTokens::CharacterTokens(std::span<const TokenBytes> tokens, std::span<const Merge> merges,
                                 const MergeTable& table)
    : index_(new uint16_t[kIndexed]()), entries_(1) {
  const Builder builder(tokens, merges, table);
  std::map<ByteSet, uint16_t> numbers;
  const auto number = [&](const ByteSet& set) {
    const auto [known, is_new] = numbers.emplace(set, static_cast<uint16_t>(sets_.size()));
    if (is_new) sets_.push_back(set);
    return known->second;
  };
  for (const TokenBytes& token : tokens) {
    if (!IsCharacter(token.bytes)) continue;
    ByteSet before{};
    ByteSet behind{};
    if (!builder.Examine(token, &before, &behind)) continue;
    index_[DecodeUtf8(token.bytes.data()).value] = static_cast<uint16_t>(entries_.size());
    entries_.push_back({token.id, number(before), number(behind)});
  }
  if (sets_.empty()) sets_.emplace_back();
}

}  // namespace kv
