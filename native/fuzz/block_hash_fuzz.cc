// Any tokens, block size, root and keys: both implementations agree, and a chain of one block after
// another equals the chain at once.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "core/block_hash.h"

namespace {

constexpr kv::HashAlgorithm kAlgorithms[] = {
    kv::HashAlgorithm::kSha256Cbor, kv::HashAlgorithm::kSha256, kv::HashAlgorithm::kXxhashCbor,
    kv::HashAlgorithm::kXxhash, kv::HashAlgorithm::kSha256Cbor64Bit};

struct Result {
  bool good;
  std::vector<uint64_t> values;
  std::vector<uint8_t> digests;
};

Result Hash(kv::HashAlgorithm algorithm, bool portable, std::span<const uint8_t> root,
            uint32_t block_size, std::span<const uint32_t> tokens, std::span<const uint8_t> extra) {
  Result result;
  result.values.resize(tokens.size() / block_size);
  result.digests.resize(result.values.size() * kv::DigestBytes(algorithm));
  const kv::BlockChain<uint32_t> chain = {algorithm, portable, root, block_size,
                                          tokens,    extra,    {},   {}};
  result.good = kv::HashBlocks(chain, {result.values, result.digests.data(), nullptr});
  return result;
}

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 40) return 0;
  const kv::HashAlgorithm algorithm = kAlgorithms[data[0] % std::size(kAlgorithms)];
  const uint32_t block_size = 1 + data[1];
  const size_t extra_bytes = data[2];
  const std::span<const uint8_t> root(data + 4, kv::DigestBytes(algorithm));
  data += 36;
  size -= 36;
  const std::span<const uint8_t> extra(data, extra_bytes < size ? extra_bytes : size);
  data += extra.size();
  size -= extra.size();
  std::vector<uint32_t> tokens(size / sizeof(uint32_t));
  if (!tokens.empty()) std::memcpy(tokens.data(), data, tokens.size() * sizeof(uint32_t));

  const Result fast = Hash(algorithm, false, root, block_size, tokens, extra);
  const Result portable = Hash(algorithm, true, root, block_size, tokens, extra);
  Require(fast.good == portable.good);
  if (!fast.good) return 0;
  Require(fast.values == portable.values && fast.digests == portable.digests);
  const size_t link = kv::DigestBytes(algorithm);
  std::vector<uint8_t> parent(root.begin(), root.end());
  for (size_t block = 0; block < fast.values.size(); ++block) {
    const std::span<const uint32_t> own(tokens.data() + block * block_size, block_size);
    const Result one = Hash(algorithm, false, parent, block_size, own, extra);
    Require(one.good && one.values[0] == fast.values[block]);
    parent.assign(one.digests.begin(), one.digests.begin() + static_cast<ptrdiff_t>(link));
  }
  return 0;
}
