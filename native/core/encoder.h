// Text to token ids for one thread: the steps of the Hugging Face library in their order.
//
//   raw added tokens > NFC > normalised added tokens > words > merges > ids
//
// Text between raw added tokens tokenizes independently, and so do the halves of a safe cut: such
// pieces are looked up among those that any thread has tokenized. Words are looked up among those
// of this thread.
//
// Thread safety: none; each thread has an Encoder of its own over the shared model.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/bpe.h"
#include "core/tokenizer_registry.h"
#include "core/word_cache.h"

namespace kv {

class Encoder {
 public:
  explicit Encoder(std::shared_ptr<SharedTokenizer> tokenizer);

  // Text may be up to this long; positions are 32-bit.
  static constexpr size_t kMaxTextBytes = size_t{1} << 30;

  // The ids stay valid until the next call. Bytes that are not UTF-8 count as U+FFFD.
  // REQUIRES: text.size() <= kMaxTextBytes.
  std::span<const uint32_t> Encode(std::span<const uint8_t> text, bool add_special_tokens);

  SharedTokenizer& tokenizer() const { return *tokenizer_; }

 private:
  void EncodeBetweenTokens(const uint8_t* text, uint32_t size);
  void EncodeCached(const uint8_t* text, uint32_t size);
  void EncodeText(const uint8_t* text, uint32_t size);
  void EncodePiece(const uint8_t* text, uint32_t size);
  uint32_t* EncodeShortWord(const uint8_t* word, uint32_t size, uint32_t* out);
  uint32_t* MergeWord(const uint8_t* word, uint32_t size, uint64_t hash, uint32_t* out);
  uint32_t* EncodeLongWord(const uint8_t* word, uint32_t size, uint32_t* out);

  const std::shared_ptr<SharedTokenizer> tokenizer_;
  const TokenizerModel& model_;
  SegmentCache& segments_;
  WordCache words_;
  WordMerger merger_;
  Buffer<uint8_t> padded_;
  Buffer<uint8_t> normalized_;
  Buffer<uint8_t> prefixed_;
  Buffer<TextPart> raw_parts_;
  Buffer<TextPart> normalized_parts_;
  Buffer<uint32_t> word_ends_;
  Buffer<uint32_t> spare_ends_;
  Buffer<uint32_t> ids_;
};

}  // namespace kv
