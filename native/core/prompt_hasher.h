// From text to block hashes, for one thread. What the prompt shares with earlier ones is neither
// tokenized nor hashed, and no token id of it is touched:
//
//   prompt   | stretch 1 | stretch 2 | ... | tail      cut where halves tokenize as the whole does
//   known by   settings, the digest and the tokens left over before it, its text
//   gives      its hashes, the digest and the tokens left over behind it
//
// The place of a cut depends only on the text before it and the character behind it, so a prompt
// that grows keeps its stretches. Lookups compare all that a stretch is known by.
//
// Thread safety: none; each thread has a PromptHasher of its own over the shared cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/block_hash.h"
#include "core/buffer.h"
#include "core/chain_link.h"
#include "core/encoder.h"

namespace kv {

class PromptHasher {
 public:
  explicit PromptHasher(Encoder& encoder)
      : encoder_(encoder),
        model_(*encoder.tokenizer().model),
        stretches_(encoder.tokenizer().stretches) {}
  PromptHasher(const PromptHasher&) = delete;
  PromptHasher& operator=(const PromptHasher&) = delete;

  enum class Outcome {
    kHashed,
    // From the first unknown stretch on there are more bytes than allowed; nothing was done.
    kTooMuchNew,
    // HashBlocks cannot hash these blocks.
    kUnhashable,
  };

  // Hashes the full blocks of a text without added special tokens. `settings.tokens` is not read.
  // REQUIRES: what Encoder::Encode and HashBlocks require; of extra_blocks at most block 0.
  [[nodiscard]] Outcome Hash(std::span<const uint8_t> text, const BlockChain<uint32_t>& settings,
                             size_t new_bytes_max);

  // Of the last text that was hashed, until the next call.
  std::span<const uint64_t> values() const { return {values_.data(), values_.size()}; }
  uint64_t token_count() const { return token_count_; }

 private:
  // Leaves the ends of the stretches of a text in ends_.
  void Cut(std::span<const uint8_t> text, uint32_t block_size);
  // Leaves what a stretch here is known by, besides its text, in context_.
  void MakeContext(const BlockChain<uint32_t>& settings, const ChainLink& link);
  // Takes the hashes of a stretch from the cache.
  bool Find(const SegmentKey& key, ChainLink* link);
  // Computes them, and stores them.
  bool Append(const SegmentKey& key, const BlockChain<uint32_t>& settings, ChainLink* link);

  Encoder& encoder_;
  const TokenizerModel& model_;
  SegmentCache& stretches_;
  Buffer<TextPart> parts_;
  Buffer<uint32_t> ends_;
  Buffer<uint8_t> context_;
  Buffer<uint32_t> entry_;
  Buffer<uint32_t> carry_;  // tokens behind the last full block
  Buffer<uint32_t> next_carry_;
  Buffer<uint8_t> digests_;
  Buffer<uint64_t> values_;
  uint64_t token_count_ = 0;
};

}  // namespace kv
