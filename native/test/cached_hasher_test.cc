#include "core/cached_hasher.h"

#include <vector>

#include "test/check.h"
#include "test/random.h"

namespace kv {
namespace {

constexpr HashAlgorithm kAlgorithms[] = {
    HashAlgorithm::kSha256Cbor, HashAlgorithm::kSha256,          HashAlgorithm::kXxhashCbor,
    HashAlgorithm::kXxhash,     HashAlgorithm::kSha256Cbor64Bit,
};

std::vector<uint64_t> HashDirectly(const BlockChain<uint32_t>& chain) {
  std::vector<uint64_t> values(chain.tokens.size() / chain.block_size);
  CHECK(HashBlocks(chain, {.values = values, .digests = nullptr, .preimages = nullptr}));
  return values;
}

// Prompts that share beginnings, settings and keys in every combination hash as they do directly.
TEST(CachedHashesAreThoseOfHashBlocks) {
  test::Random random(test::Seed());
  // Small, so that runs are forgotten too.
  SegmentCache runs(size_t{4} << 20);
  CachedHasher hasher(runs);
  std::vector<std::vector<uint32_t>> prompts(4);
  for (auto& prompt : prompts) {
    prompt.resize(4000);
    for (uint32_t& id : prompt) id = static_cast<uint32_t>(random.Below(151'936));
  }
  const std::vector<uint8_t> keys[] = {{}, {0x81, 0x61, 'a'}, {0x81, 0x61, 'b'}};
  for (int round = 0; round < 3000; ++round) {
    const HashAlgorithm algorithm = kAlgorithms[random.Below(5)];
    const uint32_t block_size = 4u << random.Below(8);
    std::vector<uint32_t> tokens = prompts[random.Below(prompts.size())];
    tokens.resize(random.Below(tokens.size()));
    if (!tokens.empty() && random.Below(4) == 0) tokens[random.Below(tokens.size())] = 7;
    const std::vector<uint8_t> root(DigestBytes(algorithm), static_cast<uint8_t>(random.Below(2)));
    const std::vector<uint8_t>& every = keys[random.Below(3)];
    const size_t block_count = tokens.size() / block_size;
    std::vector<uint32_t> blocks;
    std::vector<std::span<const uint8_t>> values;
    if (block_count != 0 && random.Below(3) == 0) {
      blocks.push_back(random.Below(2) == 0 ? 0 : static_cast<uint32_t>(random.Below(block_count)));
      values.push_back(keys[1 + random.Below(2)]);
    }
    const BlockChain<uint32_t> chain = {.algorithm = algorithm,
                                        .portable = false,
                                        .root = root,
                                        .block_size = block_size,
                                        .tokens = tokens,
                                        .extra_every = every,
                                        .extra_blocks = blocks,
                                        .extra_values = values};
    std::vector<uint64_t> cached(block_count);
    CHECK(hasher.Hash(chain, cached));
    CHECK(cached == HashDirectly(chain));
  }
  CHECK(runs.Stats().hits > 1000);
}

TEST(CachedHashesNeedOneMissForOneNewRun) {
  SegmentCache runs(size_t{1} << 20);
  CachedHasher hasher(runs);
  std::vector<uint32_t> tokens(16 * 16 * 4 + 5, 1);
  const std::vector<uint8_t> root(32, 0);
  std::vector<uint64_t> values(64);
  const auto hash = [&](size_t blocks) {
    const BlockChain<uint32_t> chain = {.algorithm = HashAlgorithm::kSha256Cbor,
                                        .portable = false,
                                        .root = root,
                                        .block_size = 16,
                                        .tokens = tokens,
                                        .extra_every = {},
                                        .extra_blocks = {},
                                        .extra_values = {}};
    CHECK(hasher.Hash(chain, std::span(values).first(blocks)));
  };
  hash(48);
  CHECK_EQUAL(runs.Stats().hits, 0);
  hash(64);
  CHECK_EQUAL(runs.Stats().hits, 3);
  CHECK_EQUAL(runs.Stats().misses, 2);
}

}  // namespace
}  // namespace kv
