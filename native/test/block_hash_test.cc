#include "core/block_hash.h"

#include <vector>

#include "test/check.h"
#include "test/random.h"

namespace {

using Bytes = std::vector<uint8_t>;

constexpr kv::HashAlgorithm kAlgorithms[] = {
    kv::HashAlgorithm::kSha256Cbor,      kv::HashAlgorithm::kSha256,
    kv::HashAlgorithm::kXxhashCbor,      kv::HashAlgorithm::kXxhash,
    kv::HashAlgorithm::kSha256Cbor64Bit,
};

struct Hashed {
  std::vector<uint64_t> values;
  Bytes digests;
  std::vector<Bytes> preimages;
};

template <class Token>
Hashed HashAll(const kv::BlockChain<Token>& chain) {
  Hashed hashed;
  hashed.values.resize(chain.tokens.size() / chain.block_size);
  hashed.digests.resize(hashed.values.size() * kv::DigestBytes(chain.algorithm));
  CHECK(kv::HashBlocks(chain, kv::BlockHashes{.values = hashed.values,
                                              .digests = hashed.digests.data(),
                                              .preimages = &hashed.preimages}));
  return hashed;
}

template <class Token>
kv::BlockChain<Token> Chain(kv::HashAlgorithm algorithm, const Bytes& root, uint32_t block_size,
                            const std::vector<Token>& tokens) {
  return {.algorithm = algorithm,
          .portable = false,
          .root = root,
          .block_size = block_size,
          .tokens = tokens,
          .extra_every = {},
          .extra_blocks = {},
          .extra_values = {}};
}

}  // namespace

// The vectors of vLLM are compared in test/contract; here the forms are compared with each other,
// on exactly sized memory, where a sanitizer can look.
TEST(EveryFormOfAChainHasTheSameHashes) {
  kv::test::Random random(kv::test::Seed());
  for (int round = 0; round < 3000; ++round) {
    const kv::HashAlgorithm algorithm = kAlgorithms[random.Below(5)];
    std::vector<uint32_t> tokens(random.Below(300));
    for (uint32_t& id : tokens) id = static_cast<uint32_t>(random.Next()) >> random.Below(32);
    const std::vector<uint64_t> wide(tokens.begin(), tokens.end());
    Bytes root(kv::DigestBytes(algorithm));
    for (uint8_t& byte : root) byte = static_cast<uint8_t>(random.Below(random.Below(2) * 255 + 1));
    const uint32_t block_size = 1 + static_cast<uint32_t>(random.Below(70));
    const size_t count = tokens.size() / block_size;

    const Bytes every(random.Below(2) * random.Below(40), 0x17);
    std::vector<uint32_t> blocks;
    std::vector<Bytes> values;
    for (uint32_t block = 0; block < count; ++block) {
      if (random.Below(4) > 0) continue;
      blocks.push_back(block);
      values.emplace_back(1 + random.Below(400), 0x61);
    }
    const std::vector<std::span<const uint8_t>> spans(values.begin(), values.end());

    auto chain = Chain(algorithm, root, block_size, tokens);
    chain.extra_every = every;
    chain.extra_blocks = blocks;
    chain.extra_values = spans;
    auto wide_chain = Chain(algorithm, root, block_size, wide);
    wide_chain.extra_every = every;
    wide_chain.extra_blocks = blocks;
    wide_chain.extra_values = spans;

    const Hashed fast = HashAll(chain);
    const Hashed wide_hashed = HashAll(wide_chain);
    chain.portable = true;
    const Hashed portable = HashAll(chain);
    CHECK(fast.preimages == portable.preimages && fast.preimages == wide_hashed.preimages);
    CHECK(fast.digests == portable.digests && fast.digests == wide_hashed.digests);
    CHECK(fast.values == portable.values);
    CHECK_EQUAL(fast.preimages.size(), count);
  }
}

TEST(ABlockIsChainedToTheOneBefore) {
  for (const kv::HashAlgorithm algorithm : kAlgorithms) {
    const size_t link = kv::DigestBytes(algorithm);
    const Bytes root(link, 0xab);
    const std::vector<uint32_t> tokens(48, 100000);
    const Hashed whole = HashAll(Chain(algorithm, root, 16, tokens));
    const Bytes parent(whole.digests.begin(), whole.digests.begin() + static_cast<long>(link));
    const std::vector<uint32_t> rest(tokens.begin() + 16, tokens.end());
    const Hashed continued = HashAll(Chain(algorithm, parent, 16, rest));
    CHECK_EQUAL(continued.values[0], whole.values[1]);
    CHECK_EQUAL(continued.values[1], whole.values[2]);
    CHECK(whole.values[0] != whole.values[1]);
  }
}

TEST(ARootHasTheSizeOfALinkOrIsRandom) {
  CHECK(kv::IsRootSize(kv::HashAlgorithm::kSha256, 32));
  CHECK(!kv::IsRootSize(kv::HashAlgorithm::kSha256, 16));
  CHECK(kv::IsRootSize(kv::HashAlgorithm::kXxhash, 16));
  CHECK(kv::IsRootSize(kv::HashAlgorithm::kXxhash, 32));
  CHECK(!kv::IsRootSize(kv::HashAlgorithm::kXxhash, 8));
  CHECK(kv::IsRootSize(kv::HashAlgorithm::kSha256Cbor64Bit, 8));
  CHECK(!kv::IsRootSize(kv::HashAlgorithm::kSha256Cbor64Bit, 32));
}

TEST(APickleOfTwoFramesIsRefused) {
  const std::vector<uint32_t> tokens(14000, 100000);
  const Bytes root(32, 1);
  std::vector<uint64_t> values(1);
  const kv::BlockHashes out = {.values = values, .digests = nullptr, .preimages = nullptr};
  // Five bytes an id: 13000 stay below 64 KiB.
  CHECK(kv::HashBlocks(Chain(kv::HashAlgorithm::kSha256, root, 13000, tokens), out));
  CHECK(!kv::HashBlocks(Chain(kv::HashAlgorithm::kSha256, root, 14000, tokens), out));
  CHECK(!kv::HashBlocks(Chain(kv::HashAlgorithm::kXxhash, root, 14000, tokens), out));
  CHECK(kv::HashBlocks(Chain(kv::HashAlgorithm::kSha256Cbor, root, 14000, tokens), out));
}
