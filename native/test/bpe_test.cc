#include "core/bpe.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "test/check.h"
#include "test/random.h"

namespace {

using kv::test::Random;
using Words = std::vector<uint8_t>;

constexpr uint32_t kLetterCount = 4;

// A model over few letters, so that merges meet each other; its tables and the same as a map.
struct Model {
  explicit Model(Random& random, size_t attempts, bool shuffled) {
    for (uint32_t byte = 0; byte < 256; ++byte) byte_tokens[byte] = byte;
    std::vector<std::vector<uint8_t>> texts;
    for (uint32_t byte = 0; byte < 256; ++byte) texts.push_back({static_cast<uint8_t>(byte)});
    std::map<std::vector<uint8_t>, uint32_t> by_text;
    for (uint32_t id = 0; id < 256; ++id) by_text[texts[id]] = id;
    std::vector<uint32_t> parts;
    for (uint32_t i = 0; i < kLetterCount; ++i) parts.push_back('a' + i);
    std::set<std::pair<uint32_t, uint32_t>> pairs;
    for (size_t i = 0; i < attempts; ++i) {
      const uint32_t left = parts[random.Below(parts.size())];
      const uint32_t right = parts[random.Below(parts.size())];
      if (!pairs.insert({left, right}).second) continue;
      std::vector<uint8_t> text = texts[left];
      text.insert(text.end(), texts[right].begin(), texts[right].end());
      // Several pairs may become one token, as in Llama 3's list.
      const auto [known, is_new] = by_text.emplace(text, static_cast<uint32_t>(texts.size()));
      if (is_new) {
        parts.push_back(known->second);
        texts.push_back(text);
      }
      merges.push_back({left, right, known->second});
    }
    for (size_t i = merges.size(); shuffled && i > 1; --i) {
      std::swap(merges[i - 1], merges[random.Below(i)]);
    }
    for (uint32_t rank = 0; rank < merges.size(); ++rank) {
      ranks[{merges[rank].left, merges[rank].right}] = rank;
    }
  }

  std::vector<uint32_t> Naive(const Words& word) const {
    std::vector<uint32_t> tokens(word.begin(), word.end());
    while (true) {
      uint32_t best = kv::kNoMerge;
      size_t at = 0;
      for (size_t i = 0; i + 1 < tokens.size(); ++i) {
        const auto found = ranks.find({tokens[i], tokens[i + 1]});
        if (found != ranks.end() && found->second < best) {
          best = found->second;
          at = i;
        }
      }
      if (best == kv::kNoMerge) return tokens;
      tokens[at] = merges[best].merged;
      tokens.erase(tokens.begin() + static_cast<ptrdiff_t>(at) + 1);
    }
  }

  uint32_t byte_tokens[256];
  std::vector<kv::Merge> merges;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> ranks;
};

Words RandomWord(Random& random, size_t size) {
  Words word(size);
  // Often few different letters: runs are where ties of rank are decided by position.
  const uint64_t letters = 1 + random.Below(kLetterCount + 1);
  for (uint8_t& byte : word) byte = static_cast<uint8_t>('a' + random.Below(letters));
  return word;
}

std::vector<uint32_t> Tokenized(kv::WordMerger& merger, const Words& word) {
  std::vector<uint32_t> tokens(word.size());
  tokens.resize(merger.Tokenize(word.data(), static_cast<uint32_t>(word.size()), tokens.data()));
  return tokens;
}

}  // namespace

TEST(merging_gives_the_tokens_of_the_naive_algorithm) {
  Random random(kv::test::Seed());
  for (int round = 0; round < 60; ++round) {
    const Model model(random, random.Below(300), round % 2 == 0);
    const kv::MergeTable table(model.merges, model.byte_tokens);
    kv::WordMerger merger(table);
    for (size_t size = 1; size <= 80; ++size) {
      const Words word = RandomWord(random, size);
      CHECK(Tokenized(merger, word) == model.Naive(word));
    }
    for (const size_t size : {255u, 256u, 257u, 600u}) {
      const Words word = RandomWord(random, size);
      CHECK(Tokenized(merger, word) == model.Naive(word));
    }
  }
}

TEST(pairs_that_do_not_merge_have_no_rank) {
  Random random(kv::test::Seed());
  const Model model(random, 2000, false);
  const kv::MergeTable table(model.merges, model.byte_tokens);
  for (uint32_t i = 0; i < 20000; ++i) {
    const auto left = static_cast<uint32_t>(random.Below(800));
    const auto right = static_cast<uint32_t>(random.Below(800));
    const auto found = model.ranks.find({left, right});
    CHECK_EQUAL(table.Rank(left, right), found == model.ranks.end() ? kv::kNoMerge : found->second);
  }
  CHECK_EQUAL(table.Rank(kv::MergeTable::kMaxTokens, kv::MergeTable::kMaxTokens), kv::kNoMerge);
}

TEST(of_equal_pairs_the_last_merge_counts) {
  uint32_t byte_tokens[256];
  for (uint32_t i = 0; i < 256; ++i) byte_tokens[i] = i;
  const std::vector<kv::Merge> merges{{'a', 'b', 256}, {'b', 'c', 257}, {'a', 'b', 256}};
  const kv::MergeTable table(merges, byte_tokens);
  CHECK_EQUAL(table.Rank('a', 'b'), 2);
  kv::WordMerger merger(table);
  CHECK(Tokenized(merger, {'a', 'b', 'c'}) == (std::vector<uint32_t>{'a', 257}));
}

TEST(a_word_of_a_million_bytes_takes_no_quadratic_time) {
  Random random(1);
  const Model model(random, 300, false);
  const kv::MergeTable table(model.merges, model.byte_tokens);
  kv::WordMerger merger(table);
  // Quadratic time would be minutes.
  for (const uint64_t letters : {1u, 2u, 4u}) {
    Words word(1u << 20);
    for (uint8_t& byte : word) byte = static_cast<uint8_t>('a' + random.Below(letters));
    CHECK(!Tokenized(merger, word).empty());
  }
}
