#include "core/cached_hasher.h"

#include <algorithm>
#include <cstring>

namespace kv {
namespace {

// Looking up a run of this many tokens takes about as long as hashing one block of 16.
constexpr uint32_t kRunTokens = 256;
// At 1.3 KB a run, the prompts of 65 agents with 100k tokens each.
constexpr size_t kSharedBytes = size_t{32} << 20;
// Kept between calls: the digests of a prompt of 128k tokens in blocks of 16.
constexpr size_t kMaxKeptBytes = size_t{256} << 10;

struct KeyHead {
  uint32_t algorithm;
  uint32_t block_size;
  uint32_t link_bytes;
  uint32_t extra_bytes;
};

}  // namespace

SegmentCache& SharedHashRuns() {
  // Never freed: threads may still use it while the process ends.
  static SegmentCache* const runs = new SegmentCache(kSharedBytes);
  return *runs;
}

bool CachedHasher::Hash(const BlockChain<uint32_t>& chain, std::span<uint64_t> values) {
  const size_t run = std::max(1u, kRunTokens / chain.block_size);
  const size_t digest_bytes = DigestBytes(chain.algorithm);
  const auto digest_of = [&](size_t block) -> std::span<const uint8_t> {
    return {&digests_[block * digest_bytes], digest_bytes};
  };
  ChainLink link(chain.root);
  size_t done = 0;
  if (!chain.extra_blocks.empty() && !values.empty()) {
    // Blocks with keys of their own are mostly the first (a salt). They are not looked up.
    done = std::min(values.size(), (chain.extra_blocks.back() / run + 1) * run);
    if (!HashAll(chain, values.first(done))) return false;
    link = ChainLink(digest_of(done - 1));
  }
  while (values.size() - done >= run && FindRun(chain, done, values.subspan(done, run), &link)) {
    done += run;
  }
  const size_t known = done;
  if (known == values.size()) return true;

  BlockChain<uint32_t> rest = chain;
  rest.root = link.view();
  rest.tokens = chain.tokens.subspan(known * chain.block_size);
  rest.extra_blocks = {};
  rest.extra_values = {};
  if (!HashAll(rest, values.subspan(known))) return false;
  for (; values.size() - done >= run; done += run) {
    const std::span<const uint8_t> last = digest_of(done - known + run - 1);
    StoreRun(chain, done, values.subspan(done, run), link, last);
    link = ChainLink(last);
  }
  return true;
}

bool CachedHasher::HashAll(const BlockChain<uint32_t>& chain, std::span<uint64_t> values) {
  digests_.ReleaseAbove(kMaxKeptBytes);
  uint8_t* const digests = digests_.Reserve(values.size() * DigestBytes(chain.algorithm));
  return HashBlocks(chain, {.values = values, .digests = digests, .preimages = nullptr});
}

bool CachedHasher::FindRun(const BlockChain<uint32_t>& chain, size_t block,
                           std::span<uint64_t> values, ChainLink* link) {
  const SegmentKey key = MakeKey(chain, block, values.size(), *link);
  entry_.Clear();
  if (!runs_.Find(key, &entry_)) return false;
  const auto* const bytes = reinterpret_cast<const uint8_t*>(entry_.data());
  memcpy(values.data(), bytes, values.size_bytes());
  *link = ChainLink({bytes + values.size_bytes(), DigestBytes(chain.algorithm)});
  return true;
}

void CachedHasher::StoreRun(const BlockChain<uint32_t>& chain, size_t block,
                            std::span<const uint64_t> values, const ChainLink& link,
                            std::span<const uint8_t> last_digest) {
  const SegmentKey key = MakeKey(chain, block, values.size(), link);
  const size_t words = (values.size_bytes() + last_digest.size()) / sizeof(uint32_t);
  entry_.Clear();
  auto* const bytes = reinterpret_cast<uint8_t*>(entry_.Reserve(words));
  memcpy(bytes, values.data(), values.size_bytes());
  memcpy(bytes + values.size_bytes(), last_digest.data(), last_digest.size());
  runs_.Store(key, {entry_.data(), words});
}

SegmentKey CachedHasher::MakeKey(const BlockChain<uint32_t>& chain, size_t block,
                                 size_t block_count, const ChainLink& link) {
  const KeyHead head = {static_cast<uint32_t>(chain.algorithm), chain.block_size, link.size,
                        static_cast<uint32_t>(chain.extra_every.size())};
  const auto tokens =
      chain.tokens.subspan(block * chain.block_size, block_count * chain.block_size);
  key_.Clear();
  key_.Append(reinterpret_cast<const uint8_t*>(&head), sizeof head);
  key_.Append(link.bytes.data(), link.size);
  key_.Append(chain.extra_every.data(), chain.extra_every.size());
  return MakeSegmentKey({key_.data(), key_.size()},
                        {reinterpret_cast<const uint8_t*>(tokens.data()), tokens.size_bytes()});
}

}  // namespace kv
