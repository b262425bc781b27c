#include "core/prompt_hasher.h"

#include <thread>
#include <vector>

#include "test/check.h"
#include "test/tiny_tokenizer.h"

namespace kv {
namespace {

using test::Random;
using Bytes = std::vector<uint8_t>;
using Outcome = PromptHasher::Outcome;

constexpr HashAlgorithm kAlgorithms[] = {
    HashAlgorithm::kSha256Cbor, HashAlgorithm::kSha256,          HashAlgorithm::kXxhashCbor,
    HashAlgorithm::kXxhash,     HashAlgorithm::kSha256Cbor64Bit,
};

constexpr size_t kAny = SIZE_MAX;

struct Expected {
  uint64_t token_count;
  std::vector<uint64_t> values;
};

// All tokens at once, then all blocks at once.
Expected HashDirectly(Encoder& encoder, const Bytes& text, BlockChain<uint32_t> chain) {
  chain.tokens = encoder.Encode(text, false);
  Expected expected{chain.tokens.size(),
                    std::vector<uint64_t>(chain.tokens.size() / chain.block_size)};
  if (expected.values.empty()) {
    chain.extra_blocks = {};
    chain.extra_values = {};
  }
  CHECK(HashBlocks(chain, {.values = expected.values, .digests = nullptr, .preimages = nullptr}));
  return expected;
}

BlockChain<uint32_t> Settings(HashAlgorithm algorithm, uint32_t block_size,
                              std::span<const uint8_t> root) {
  return {.algorithm = algorithm,
          .portable = false,
          .root = root,
          .block_size = block_size,
          .tokens = {},
          .extra_every = {},
          .extra_blocks = {},
          .extra_values = {}};
}

bool Equal(const PromptHasher& hasher, const Expected& expected) {
  return hasher.token_count() == expected.token_count &&
         std::equal(hasher.values().begin(), hasher.values().end(), expected.values.begin(),
                    expected.values.end());
}

void Extend(Bytes* text, const Bytes& more) { text->insert(text->end(), more.begin(), more.end()); }

}  // namespace

// Conversations that grow, share beginnings, and are hashed under several settings and keys.
TEST(a_prompt_has_the_hashes_of_its_tokens) {
  Random random(test::Seed());
  uint64_t hits = 0;
  for (int round = 0; round < 40 / test::kSingleThreadShare; ++round) {
    const test::TinyTokenizer tiny(random, 200);
    const TokenizerSpec spec = test::RandomSpec(random, tiny);
    // Small, so that stretches are forgotten too.
    const auto tokenizer = test::Built(spec, size_t{1} << (20 + random.Below(5)));
    Encoder encoder(tokenizer);
    PromptHasher hasher(encoder);
    Encoder plain(test::Built(spec, 0));
    const Bytes keys[] = {{}, {0x81, 0x61, 'a'}, {0x81, 0x61, 'b'}};
    std::vector<Bytes> conversations(3);
    for (int turn = 0; turn < 40; ++turn) {
      Bytes& text = conversations[random.Below(conversations.size())];
      if (random.Below(6) == 0) text = conversations[random.Below(conversations.size())];
      Extend(&text, test::RandomText(random, 600, random.Below(4) == 0));
      const HashAlgorithm algorithm = kAlgorithms[random.Below(5)];
      const Bytes root(DigestBytes(algorithm), static_cast<uint8_t>(random.Below(2)));
      BlockChain<uint32_t> settings = Settings(algorithm, 1u << random.Below(9), root);
      settings.extra_every = keys[random.Below(3)];
      const std::vector<uint32_t> blocks = {0};
      const std::vector<std::span<const uint8_t>> values = {keys[1 + random.Below(2)]};
      if (random.Below(3) == 0) {
        settings.extra_blocks = blocks;
        settings.extra_values = values;
      }
      const Expected expected = HashDirectly(plain, text, settings);
      for (int repeat = 0; repeat < 2; ++repeat) {
        CHECK(hasher.Hash(text, settings, kAny) == Outcome::kHashed);
        CHECK(Equal(hasher, expected));
      }
    }
    hits += tokenizer->stretches.Stats().hits;
  }
  CHECK(hits > (test::kSingleThreadShare == 1 ? 1000 : 0));
}

TEST(a_prompt_that_grows_is_hashed_only_where_it_grew) {
  Random random(1);
  const test::TinyTokenizer tiny(random, 200);
  const auto tokenizer = test::Built(tiny.Spec({SplitRule::kQwen2}), size_t{1} << 24);
  Encoder encoder(tokenizer);
  PromptHasher hasher(encoder);
  const Bytes root(32, 0);
  const BlockChain<uint32_t> settings = Settings(HashAlgorithm::kSha256Cbor, 16, root);
  std::string words;
  for (int i = 0; i < 20'000; ++i) words += " word" + std::to_string(i);
  Bytes text(words.begin(), words.end());
  CHECK(hasher.Hash(text, settings, text.size() - 1) == Outcome::kTooMuchNew);
  CHECK(hasher.Hash(text, settings, text.size()) == Outcome::kHashed);
  const uint64_t before = tokenizer->stretches.Stats().missed_bytes;
  Extend(&text, Bytes(500, 'x'));
  CHECK(hasher.Hash(text, settings, 400) == Outcome::kTooMuchNew);
  CHECK(hasher.Hash(text, settings, 2000) == Outcome::kHashed);
  CHECK(tokenizer->stretches.Stats().missed_bytes - before < 4000);
  CHECK(Equal(hasher, HashDirectly(encoder, text, settings)));
}

TEST(threads_share_the_hashes_of_prompts) {
  Random random(test::Seed());
  const test::TinyTokenizer tiny(random, 300);
  const auto tokenizer = test::Built(tiny.Spec({SplitRule::kQwen2}), 1 << 20);
  const Bytes root(32, 7);
  const BlockChain<uint32_t> settings = Settings(HashAlgorithm::kXxhashCbor, 16, root);
  Encoder plain(tokenizer);
  std::vector<Bytes> texts;
  std::vector<Expected> expected;
  for (int i = 0; i < 100; ++i) {
    texts.push_back(test::RandomText(random, 1500, false));
    expected.push_back(HashDirectly(plain, texts.back(), settings));
  }
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Encoder encoder(tokenizer);
      PromptHasher hasher(encoder);
      Random order(t);
      for (int i = 0; i < 300; ++i) {
        const size_t k = order.Below(texts.size());
        CHECK(hasher.Hash(texts[k], settings, kAny) == Outcome::kHashed);
        CHECK(Equal(hasher, expected[k]));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(tokenizer->stretches.Stats().hits > 0);
}

}  // namespace kv
