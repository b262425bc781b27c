// vLLM's chain of block hashes: hash((parent, tokens of the block, extra keys)).
//
// Thread safety: pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kv {

enum class HashAlgorithm { kSha256Cbor, kSha256, kXxhashCbor, kXxhash, kSha256Cbor64Bit };

// Bytes of one link of the chain: 32, 16, or 8 for the algorithm whose link is a 64-bit integer.
[[nodiscard]] size_t DigestBytes(HashAlgorithm algorithm) noexcept;
// xxhash chains may begin at a root of 32 random bytes.
[[nodiscard]] bool IsRootSize(HashAlgorithm algorithm, size_t bytes) noexcept;

// Bounds the buffers of one call; the largest block size vLLM is known to use is 8320.
inline constexpr uint32_t kMaxBlockSizeTokens = 65536;

template <class Token>
struct BlockChain {
  HashAlgorithm algorithm;
  // Use no special instructions of this machine.
  bool portable;
  std::span<const uint8_t> root;
  uint32_t block_size;
  std::span<const Token> tokens;
  // Serialized third element of blocks that extra_blocks does not name; empty: none.
  std::span<const uint8_t> extra_every;
  std::span<const uint32_t> extra_blocks;
  std::span<const std::span<const uint8_t>> extra_values;
};

struct BlockHashes {
  // One 64-bit integer a full block, as KV events carry it: the last 8 digest bytes, big endian.
  std::span<uint64_t> values;
  // Full digests one after the other; nullptr: not wanted.
  uint8_t* digests;
  // The exact bytes hashed for each block; nullptr: not wanted.
  std::vector<std::vector<uint8_t>>* preimages;
};

// Hashes values.size() blocks. False when a pickled block is so long that CPython would write it in
// two frames, which is not supported.
// REQUIRES: IsRootSize(root), 1 <= block_size <= kMaxBlockSizeTokens, values.size() * block_size <=
// tokens.size(), extra_blocks ascending and below values.size(), one extra value for each.
template <class Token>
[[nodiscard]] bool HashBlocks(const BlockChain<Token>& chain, const BlockHashes& out);

}  // namespace kv
