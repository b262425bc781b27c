// Block hashes of prompts that begin like earlier ones, for one thread: the next turn of a
// conversation hashes only its new blocks.
//
// A run of blocks is known by all that its hashes follow from: how the chain hashes, the digest
// before the run, the extra keys of its blocks, and their tokens. Lookups compare all of it. Runs
// begin at multiples of their length, so a prompt that grows keeps its runs.
//
// Thread safety: none; each thread has a CachedHasher of its own over the shared cache.
#pragma once

#include <cstdint>
#include <span>

#include "core/block_hash.h"
#include "core/buffer.h"
#include "core/chain_link.h"
#include "core/segment_cache.h"

namespace kv {

// Runs that the threads of this process have hashed. It holds digests where others hold token ids.
SegmentCache& SharedHashRuns();

class CachedHasher {
 public:
  explicit CachedHasher(SegmentCache& runs) : runs_(runs) {}
  CachedHasher(const CachedHasher&) = delete;
  CachedHasher& operator=(const CachedHasher&) = delete;

  // Does what HashBlocks does for values alone, with the same requirements and the same result.
  [[nodiscard]] bool Hash(const BlockChain<uint32_t>& chain, std::span<uint64_t> values);

 private:
  // Hashes all blocks; their digests are in digests_ until the next call.
  bool HashAll(const BlockChain<uint32_t>& chain, std::span<uint64_t> values);
  // Values of a known run, and the link behind it.
  bool FindRun(const BlockChain<uint32_t>& chain, size_t block, std::span<uint64_t> values,
               ChainLink* link);
  void StoreRun(const BlockChain<uint32_t>& chain, size_t block, std::span<const uint64_t> values,
                const ChainLink& link, std::span<const uint8_t> last_digest);
  // Views of the tokens and of key_.
  SegmentKey MakeKey(const BlockChain<uint32_t>& chain, size_t block, size_t block_count,
                     const ChainLink& link);

  SegmentCache& runs_;
  Buffer<uint8_t> key_;     // a run's key but for its tokens
  Buffer<uint32_t> entry_;  // values of a run, then its last digest
  Buffer<uint8_t> digests_;
};

}  // namespace kv
