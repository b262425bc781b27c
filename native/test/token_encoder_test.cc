#include "core/token_encoder.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "core/cbor.h"
#include "core/pickle.h"
#include "test/check.h"
#include "test/random.h"

namespace {

using Bytes = std::vector<uint8_t>;

// Exactly as much room as the contract asks for, so that a sanitizer sees any store beyond it.
Bytes Written(kv::AppendTokens append, const std::vector<uint32_t>& ids, size_t bytes) {
  Bytes out(bytes + kv::kWideStoreBytes);
  const uint8_t* const end = append(out.data(), ids.data(), ids.size());
  out.resize(static_cast<size_t>(end - out.data()));
  return out;
}

Bytes Cbor(std::initializer_list<uint32_t> ids) {
  return Written(kv::AppendCborTokens, ids, 5 * ids.size());
}

Bytes Pickle(std::initializer_list<uint32_t> ids) {
  return Written(kv::AppendPickleTokens, ids, 7 * ids.size());
}

}  // namespace

// Expected bytes: RFC 8949 section 3 and the opcodes of CPython's pickletools.
TEST(TokensHaveTheShortestCborForm) {
  CHECK(Cbor({0, 23}) == (Bytes{0x00, 0x17}));
  CHECK(Cbor({24, 255}) == (Bytes{0x18, 0x18, 0x18, 0xff}));
  CHECK(Cbor({256, 65535}) == (Bytes{0x19, 0x01, 0x00, 0x19, 0xff, 0xff}));
  CHECK(Cbor({65536}) == (Bytes{0x1a, 0x00, 0x01, 0x00, 0x00}));
  CHECK(Cbor({0xffffffff}) == (Bytes{0x1a, 0xff, 0xff, 0xff, 0xff}));
}

TEST(TokensHaveThePickleFormOfCPython) {
  CHECK(Pickle({0, 255}) == (Bytes{0x4b, 0x00, 0x4b, 0xff}));
  CHECK(Pickle({256, 65535}) == (Bytes{0x4d, 0x00, 0x01, 0x4d, 0xff, 0xff}));
  CHECK(Pickle({65536, 0x7fffffff}) ==
        (Bytes{0x4a, 0x00, 0x00, 0x01, 0x00, 0x4a, 0xff, 0xff, 0xff, 0x7f}));
  CHECK(Pickle({0x80000000}) == (Bytes{0x8a, 0x05, 0x00, 0x00, 0x00, 0x80, 0x00}));
}

TEST(PairsOfTokensAreWrittenLikeSingleOnes) {
  struct Pair {
    kv::AppendTokens fast;
    kv::AppendTokens plain;
  };
  kv::test::Random random(1);
  for (const Pair& pair : {Pair{kv::FastestCborTokens(), kv::AppendCborTokens},
                           Pair{kv::FastestPickleTokens(), kv::AppendPickleTokens}}) {
    for (int round = 0; round < 20000; ++round) {
      std::vector<uint32_t> ids(random.Below(20));
      for (uint32_t& id : ids) id = static_cast<uint32_t>(random.Next()) >> random.Below(32);
      size_t bytes = 0;
      for (const uint32_t id : ids) bytes += Written(pair.plain, {id}, 7).size();
      CHECK(Written(pair.fast, ids, bytes) == Written(pair.plain, ids, bytes));
    }
  }
}

TEST(WideTokensAgreeWithNarrowOnes) {
  for (const uint32_t id : {0u, 23u, 24u, 255u, 256u, 65535u, 65536u, 0x7fffffffu, 0x80000000u}) {
    Bytes out(kv::kWideStoreBytes);
    Bytes cbor = out;
    cbor.resize(static_cast<size_t>(kv::cbor::AppendWideToken(cbor.data(), id) - cbor.data()));
    CHECK(cbor == Cbor({id}));
    Bytes pickle = out;
    pickle.resize(
        static_cast<size_t>(kv::pickle::AppendWideToken(pickle.data(), id) - pickle.data()));
    CHECK(pickle == Pickle({id}));
  }
}
