#include "core/encoder.h"

#include "core/nfc.h"
#include "core/utf8.h"

namespace kv {
namespace {

// Scratch memory kept between calls, in items: enough for the prompts of a 128k-token context.
constexpr size_t kMaxKeptItems = size_t{1} << 20;

// Shorter texts are tokenized as fast as looked up.
constexpr uint32_t kCachedTextMin = 128;
// Longer ones are looked up in parts of this size, so that a text which grows by a little costs
// little, and that hashing and comparing outweigh the misses of the processor's caches.
constexpr uint32_t kCachedTextSize = 1024;

}  // namespace

Encoder::Encoder(std::shared_ptr<SharedTokenizer> tokenizer)
    : tokenizer_(std::move(tokenizer)),
      model_(*tokenizer_->model),
      segments_(tokenizer_->segments),
      merger_(model_.merges(), model_.characters()) {}

std::span<const uint32_t> Encoder::Encode(std::span<const uint8_t> text, bool add_special_tokens) {
  ids_.ReleaseAbove(kMaxKeptItems);
  raw_parts_.ReleaseAbove(kMaxKeptItems);
  std::vector<uint8_t> repaired;
  if (model_.raw_tokens().reads_context() &&
      ValidUtf8Prefix(text.data(), text.size()) != text.size()) {
    AppendRepairedUtf8(text, &repaired);
    text = repaired;
  }
  if (add_special_tokens) ids_.Append(model_.ids_before().data(), model_.ids_before().size());
  model_.raw_tokens().Split(text.data(), static_cast<uint32_t>(text.size()), &raw_parts_);
  for (size_t i = 0; i < raw_parts_.size(); ++i) {
    const TextPart part = raw_parts_[i];
    if (part.id != kNoToken) {
      ids_.Append(&part.id, 1);
    } else {
      EncodeBetweenTokens(text.data() + part.begin, part.end - part.begin);
    }
  }
  if (add_special_tokens) ids_.Append(model_.ids_after().data(), model_.ids_after().size());
  return {ids_.data(), ids_.size()};
}

void Encoder::EncodeBetweenTokens(const uint8_t* text, uint32_t size) {
  if (!segments_.enabled()) return EncodeText(text, size);
  while (size != 0) {
    const uint32_t cut = model_.safe_cut().Find(text, kCachedTextSize, size);
    if (cut < kCachedTextMin) return EncodeText(text, cut);
    EncodeCached(text, cut);
    text += cut;
    size -= cut;
  }
}

void Encoder::EncodeCached(const uint8_t* text, uint32_t size) {
  const SegmentKey key = MakeSegmentKey({}, {text, size});
  if (segments_.Find(key, &ids_)) return;
  const size_t before = ids_.size();
  EncodeText(text, size);
  segments_.Store(key, {ids_.data() + before, ids_.size() - before});
}

void Encoder::EncodeText(const uint8_t* text, uint32_t size) {
  padded_.ReleaseAbove(kMaxKeptItems);
  if (ValidUtf8Prefix(text, size) == size) {
    padded_.Append(text, size);
  } else {
    std::vector<uint8_t> repaired;
    AppendRepairedUtf8({text, size}, &repaired);
    padded_.Append(repaired.data(), repaired.size());
  }
  memset(padded_.Reserve(kTextPadding), 0, kTextPadding);
  text = padded_.data();
  size = static_cast<uint32_t>(padded_.size());

  if (model_.nfc() && !SharedNfc().IsStable(text, size)) {
    normalized_.ReleaseAbove(kMaxKeptItems);
    SharedNfc().Append(text, size, &normalized_);
    memset(normalized_.Reserve(kTextPadding), 0, kTextPadding);
    text = normalized_.data();
    size = static_cast<uint32_t>(normalized_.size());
  }

  if (model_.normalized_tokens().empty()) return EncodePiece(text, size);
  normalized_parts_.Clear();
  model_.normalized_tokens().Split(text, size, &normalized_parts_);
  for (size_t i = 0; i < normalized_parts_.size(); ++i) {
    const TextPart part = normalized_parts_[i];
    if (part.id != kNoToken) {
      ids_.Append(&part.id, 1);
    } else {
      EncodePiece(text + part.begin, part.end - part.begin);
    }
  }
}

void Encoder::EncodePiece(const uint8_t* text, uint32_t size) {
  if (model_.prefix_space() && text[0] != ' ') {
    prefixed_.ReleaseAbove(kMaxKeptItems);
    prefixed_.Append(reinterpret_cast<const uint8_t*>(" "), 1);
    prefixed_.Append(text, size);
    memset(prefixed_.Reserve(kTextPadding), 0, kTextPadding);
    text = prefixed_.data();
    size = static_cast<uint32_t>(prefixed_.size());
  }
  model_.pretokenizer().Split(text, size, &word_ends_, &spare_ends_);
  // A word has at most as many tokens as bytes; a remembered one is copied with what lies behind.
  uint32_t* const first = ids_.Reserve(size + WordCache::kShortTokensMax);
  uint32_t* out = first;
  uint32_t begin = 0;
  for (size_t i = 0; i < word_ends_.size(); ++i) {
    const uint32_t end = word_ends_[i];
    const uint32_t word_size = end - begin;
    out = word_size <= kShortWordMax ? EncodeShortWord(text + begin, word_size, out)
                                     : EncodeLongWord(text + begin, word_size, out);
    begin = end;
  }
  ids_.Grow(static_cast<size_t>(out - first));
  word_ends_.ReleaseAbove(kMaxKeptItems);
  spare_ends_.ReleaseAbove(kMaxKeptItems);
}

uint32_t* Encoder::EncodeShortWord(const uint8_t* word, uint32_t size, uint32_t* out) {
  const ShortWord key = LoadShortWord(word, size);
  const uint64_t hash = HashShortWord(key, size);
  if (const WordCache::ShortEntry* entry = words_.FindShort(key, size, hash)) {
    // Three copies cost less than finding out how many are needed; `out` has room for them.
    memcpy(out, entry->tokens, sizeof entry->tokens);
    return out + entry->count;
  }
  out[0] = model_.whole_words().FindShort(key, size, hash);
  if (out[0] == kNoToken) return MergeWord(word, size, hash, out);
  words_.StoreShort(key, size, hash, out, 1);
  return out + 1;
}

uint32_t* Encoder::EncodeLongWord(const uint8_t* word, uint32_t size, uint32_t* out) {
  out[0] = model_.whole_words().FindLong(word, size);
  return out[0] != kNoToken ? out + 1 : MergeWord(word, size, HashBytes(word, size), out);
}

uint32_t* Encoder::MergeWord(const uint8_t* word, uint32_t size, uint64_t hash, uint32_t* out) {
  if (size > WordCache::kLongWordMax) return out + merger_.Tokenize(word, size, out);
  if (const WordCache::LongEntry* entry = words_.FindLong(word, size, hash)) {
    memcpy(out, entry->tokens, entry->count * sizeof(uint32_t));
    return out + entry->count;
  }
  const uint32_t count = merger_.Tokenize(word, size, out);
  if (size <= kShortWordMax && count <= WordCache::kShortTokensMax) {
    words_.StoreShort(LoadShortWord(word, size), size, hash, out, count);
  } else if (count <= WordCache::kLongTokensMax) {
    words_.StoreLong(word, size, hash, out, count);
  }
  return out + count;
}

}  // namespace kv
