#include "core/bpe.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "test/check.h"
#include "test/random.h"

namespace {

using kv::test::Random;
using Words = std::vector<uint8_t>;

// Few, so that merges meet each other.
const std::vector<Words> kLetters = {{'a'}, {'b'}, {'c'}, {'d'}};
// With parts in common, so that merges cross the borders of characters.
const std::vector<Words> kCharacters = {{'a'},
                                        {' '},
                                        {0xc3, 0xa4},
                                        {0xc3, 0xb8},
                                        {0xe4, 0xb8, 0xa4},
                                        {0xe4, 0xb8, 0xb8},
                                        {0xe4, 0xa4, 0xb8},
                                        {0xe5, 0xb8, 0xa4},
                                        {0xf0, 0xa4, 0xb8, 0xa4}};

// A model with random merges; as tables, and as a map.
struct Model {
  Model(Random& random, const std::vector<Words>& letters, size_t attempts, bool shuffled) {
    for (uint32_t byte = 0; byte < 256; ++byte) byte_tokens[byte] = byte;
    for (uint32_t byte = 0; byte < 256; ++byte) texts.push_back({static_cast<uint8_t>(byte)});
    std::map<std::vector<uint8_t>, uint32_t> by_text;
    for (uint32_t id = 0; id < 256; ++id) by_text[texts[id]] = id;
    std::vector<uint32_t> parts;
    std::set<uint32_t> letter_bytes;
    for (const Words& letter : letters) letter_bytes.insert(letter.begin(), letter.end());
    parts.assign(letter_bytes.begin(), letter_bytes.end());
    std::set<std::pair<uint32_t, uint32_t>> pairs;
    const auto add = [&](uint32_t left, uint32_t right) {
      Words text = texts[left];
      text.insert(text.end(), texts[right].begin(), texts[right].end());
      // Several pairs may become one token, as in Llama 3's list.
      const auto [known, is_new] = by_text.emplace(text, static_cast<uint32_t>(texts.size()));
      if (is_new) texts.push_back(text);
      if (is_new) parts.push_back(known->second);
      if (pairs.insert({left, right}).second) merges.push_back({left, right, known->second});
      return known->second;
    };
    // Half of the models make characters first, and then few merges cross their borders, if any.
    const bool makes_characters = random.Below(2) == 0;
    if (makes_characters) {
      for (const Words& letter : letters) {
        uint32_t token = letter[0];
        for (size_t i = 1; i < letter.size(); ++i) token = add(token, letter[i]);
      }
      if (parts.size() > 8 && random.Below(2) == 0) parts.erase(parts.begin(), parts.begin() + 4);
    }
    for (size_t i = 0; i < attempts; ++i) {
      const uint32_t left = parts[random.Below(parts.size())];
      add(left, parts[random.Below(parts.size())]);
    }
    for (size_t i = merges.size(); shuffled && i > 1; --i) {
      std::swap(merges[i - 1], merges[random.Below(i)]);
    }
    for (uint32_t rank = 0; rank < merges.size(); ++rank) {
      ranks[{merges[rank].left, merges[rank].right}] = rank;
    }
    for (uint32_t id = 0; id < texts.size(); ++id) tokens.push_back({texts[id], id});
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
  std::deque<Words> texts;  // by id
  std::vector<kv::TokenBytes> tokens;
  std::vector<kv::Merge> merges;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> ranks;
};

struct Tables {
  explicit Tables(const Model& model)
      : merges(model.merges, model.byte_tokens),
        characters(model.tokens, model.merges, merges),
        merger(merges, characters) {}

  kv::MergeTable merges;
  kv::CharacterTokens characters;
  kv::WordMerger merger;
};

Words RandomWord(Random& random, const std::vector<Words>& letters, size_t count) {
  Words word;
  // Often few different letters: runs are where ties of rank are decided by position.
  const uint64_t first = random.Below(letters.size());
  const uint64_t different = 1 + random.Below(letters.size() - first);
  for (size_t i = 0; i < count; ++i) {
    const Words& letter = letters[first + random.Below(different)];
    word.insert(word.end(), letter.begin(), letter.end());
  }
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
  for (int round = 0; round < 200; ++round) {
    const std::vector<Words>& letters = round % 3 == 0 ? kLetters : kCharacters;
    const Model model(random, letters, random.Below(400), round % 2 == 0);
    Tables tables(model);
    for (size_t count = 1; count <= 80; count += 1 + random.Below(3)) {
      const Words word = RandomWord(random, letters, count);
      CHECK(Tokenized(tables.merger, word) == model.Naive(word));
    }
    const Words word = RandomWord(random, letters, 250 + random.Below(20));
    CHECK(Tokenized(tables.merger, word) == model.Naive(word));
  }
}

TEST(some_characters_start_as_one_symbol_and_some_do_not) {
  Random random(1);
  size_t whole = 0;
  size_t split = 0;
  for (int round = 0; round < 100; ++round) {
    const Model model(random, kCharacters, random.Below(30), false);
    const Tables tables(model);
    for (const Words& character : kCharacters) {
      if (character.size() == 1) continue;
      const auto symbol = tables.characters.At(
          character.data(), 0, static_cast<uint32_t>(character.size()), tables.merges);
      ++(symbol.size > 1 ? whole : split);
      CHECK(symbol.size == 1 || model.Naive(character) == std::vector<uint32_t>{symbol.token});
    }
  }
  CHECK(whole > 20);
  CHECK(split > 20);
}

TEST(pairs_that_do_not_merge_have_no_rank) {
  Random random(kv::test::Seed());
  const Model model(random, kLetters, 2000, false);
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
  const kv::CharacterTokens none({}, {}, table);
  kv::WordMerger merger(table, none);
  CHECK(Tokenized(merger, {'a', 'b', 'c'}) == (std::vector<uint32_t>{'a', 257}));
}

TEST(a_word_of_a_million_bytes_takes_no_quadratic_time) {
  Random random(1);
  const Model model(random, kLetters, 300, false);
  Tables tables(model);
  // Quadratic time would be minutes.
  for (const uint64_t letters : {1u, 2u, 4u}) {
    Words word(1u << 20);
    for (uint8_t& byte : word) byte = static_cast<uint8_t>('a' + random.Below(letters));
    CHECK(!Tokenized(tables.merger, word).empty());
  }
}
