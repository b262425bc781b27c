#include "core/block_hash.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <type_traits>

#include "core/block_format.h"
#include "core/sha256.h"
#include "core/xxh3.h"

namespace kv {
namespace {

// A random root is this long under every algorithm, xxhash included.
constexpr size_t kLongRootBytes = 32;

uint64_t LoadBigEndian64(const uint8_t* bytes) noexcept {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return __builtin_bswap64(value);
}

uint8_t* AppendBytes(uint8_t* out, std::span<const uint8_t> bytes) noexcept {
  std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}

// Writes what follows the parent, block after block, in as many steps as the caller likes.
template <class Format, class Token>
class BlockWriter {
 public:
  explicit BlockWriter(const BlockChain<Token>& chain) noexcept
      : chain_(chain), append_tokens_(Format::TokenAppender(chain.portable)) {}

  [[nodiscard]] size_t BytesMax() const noexcept {
    size_t extra_bytes = chain_.extra_every.size();
    for (const auto& value : chain_.extra_values) extra_bytes = std::max(extra_bytes, value.size());
    return size_t{chain_.block_size} * Format::kTokenBytesMax + extra_bytes + 2 * kWideStoreBytes;
  }

  // Begins the next block at `out`.
  void Begin(uint8_t* out) noexcept {
    out_ = Format::BeginTokens(out, chain_.block_size);
    next_token_ = chain_.tokens.data() + size_t{block_} * chain_.block_size;
    tokens_left_ = chain_.block_size;
  }

  // Writes up to `count` of the tokens that are left of a block; none when no block is begun.
  void Continue(uint32_t count) noexcept {
    count = std::min(count, tokens_left_);
    if constexpr (std::is_same_v<Token, uint32_t>) {
      out_ = append_tokens_(out_, next_token_, count);
    } else {
      for (uint32_t i = 0; i < count; ++i) out_ = Format::AppendWideToken(out_, next_token_[i]);
    }
    next_token_ += count;
    tokens_left_ -= count;
  }

  // Writes the rest of the block and returns its end.
  [[nodiscard]] uint8_t* Finish() noexcept {
    Continue(tokens_left_);
    out_ = Format::EndTokens(out_, chain_.block_size);
    std::span<const uint8_t> extra = chain_.extra_every;
    if (next_extra_ < chain_.extra_blocks.size() && chain_.extra_blocks[next_extra_] == block_) {
      extra = chain_.extra_values[next_extra_];
      ++next_extra_;
    }
    out_ = extra.empty() ? Format::AppendNone(out_) : AppendBytes(out_, extra);
    ++block_;
    return Format::End(out_);
  }

 private:
  const BlockChain<Token>& chain_;
  const AppendTokens append_tokens_;
  uint32_t block_ = 0;
  size_t next_extra_ = 0;
  // Of the block begun.
  uint8_t* out_ = nullptr;
  const Token* next_token_ = nullptr;
  uint32_t tokens_left_ = 0;
};

// A block's message. Only its parent's bytes depend on the block before. The rest is written while
// that block is still being hashed, and the digest goes straight into its place.
struct Message {
  uint8_t* parent_end;
  uint8_t* start;
  uint8_t* end;
};

template <class Format>
bool FitsOneFrame(const Message& message) noexcept {
  return !std::is_same_v<Format, PickleFormat> ||
         static_cast<size_t>(message.end - message.start) - pickle::kHeaderBytes <
             pickle::kFrameBytesMax;
}

void RecordPreimage(const BlockHashes& out, const Message& message) {
  if (out.preimages != nullptr) out.preimages->emplace_back(message.start, message.end);
}

template <size_t kDigestBytes>
void RecordDigest(const BlockHashes& out, size_t block, const uint8_t* digest) noexcept {
  out.values[block] = LoadBigEndian64(digest + kDigestBytes - sizeof(uint64_t));
  if (out.digests != nullptr) {
    std::memcpy(out.digests + block * kDigestBytes, digest, kDigestBytes);
  }
}

// Buffers of two messages: the one being hashed and the next.
class MessagePair {
 public:
  explicit MessagePair(size_t bytes_max)
      : bytes_(kParentSpaceBytes + bytes_max + kSha256PaddingBytes),
        memory_(std::make_unique_for_overwrite<uint8_t[]>(2 * bytes_)) {}

  [[nodiscard]] uint8_t* ParentEnd(size_t block) const noexcept {
    return memory_.get() + (block & 1) * bytes_ + kParentSpaceBytes;
  }

 private:
  const size_t bytes_;
  const std::unique_ptr<uint8_t[]> memory_;
};

// The compressions of a chain wait for each other. The next block is written in that wait, in
// portions that fit into what the processor looks ahead: measured best for SHA-NI on Zen 4.
constexpr size_t kCompressionsAtOnce = 2;
constexpr uint32_t kTokensMeanwhile = 24;

template <class Writer>
Sha256State CompressMessage(const Sha256& sha256, const Message& message, Writer& next) noexcept {
  const size_t count = PadSha256(message.start, message.end);
  Sha256State state = sha256.start;
  sha256.compress(state, message.start, 1);
  for (size_t done = 1; done < count;) {
    next.Continue(kTokensMeanwhile);
    const size_t now = std::min(kCompressionsAtOnce, count - done);
    sha256.compress(state, message.start + done * kSha256BlockBytes, now);
    done += now;
  }
  return state;
}

template <class Format, class Token>
bool HashChainSha256(const BlockChain<Token>& chain, const BlockHashes& out) {
  const size_t count = out.values.size();
  if (count == 0) return true;
  const Sha256& sha256 = chain.portable ? PortableSha256() : FastestSha256();
  BlockWriter<Format, Token> writer(chain);
  const MessagePair messages(writer.BytesMax());
  const auto finish = [&](uint8_t* parent_end) {
    uint8_t* const end = writer.Finish();
    return Message{parent_end, Format::BeginParent(parent_end, kSha256DigestBytes, end), end};
  };

  writer.Begin(messages.ParentEnd(0));
  Message next = finish(messages.ParentEnd(0));
  AppendBytes(Format::ParentBytes(next.parent_end, kSha256DigestBytes), chain.root);
  for (size_t block = 0; block < count; ++block) {
    const Message message = next;
    if (!FitsOneFrame<Format>(message)) return false;
    RecordPreimage(out, message);
    uint8_t* const next_parent_end = messages.ParentEnd(block + 1);
    const bool has_next = block + 1 < count;
    if (has_next) writer.Begin(next_parent_end);
    const Sha256State state = CompressMessage(sha256, message, writer);
    if (has_next) next = finish(next_parent_end);
    uint8_t* const digest = Format::ParentBytes(next_parent_end, kSha256DigestBytes);
    sha256.store_digest(state, digest);
    RecordDigest<kSha256DigestBytes>(out, block, digest);
  }
  return true;
}

template <class Token>
bool HashChainSha256Integer(const BlockChain<Token>& chain, const BlockHashes& out) {
  const size_t count = out.values.size();
  if (count == 0) return true;
  const Sha256& sha256 = chain.portable ? PortableSha256() : FastestSha256();
  BlockWriter<CborFormat, Token> writer(chain);
  const MessagePair messages(writer.BytesMax());

  writer.Begin(messages.ParentEnd(0));
  uint8_t* end = writer.Finish();
  uint64_t parent = LoadBigEndian64(chain.root.data());
  for (size_t block = 0; block < count; ++block) {
    uint8_t* const parent_end = messages.ParentEnd(block);
    const Message message = {parent_end, PrependInteger(parent_end, parent), end};
    RecordPreimage(out, message);
    const bool has_next = block + 1 < count;
    if (has_next) writer.Begin(messages.ParentEnd(block + 1));
    const Sha256State state = CompressMessage(sha256, message, writer);
    if (has_next) end = writer.Finish();
    std::array<uint8_t, kSha256DigestBytes> digest;
    sha256.store_digest(state, digest.data());
    const uint8_t* const low = digest.data() + kSha256DigestBytes - sizeof parent;
    parent = LoadBigEndian64(low);
    RecordDigest<sizeof parent>(out, block, low);
  }
  return true;
}

template <class Format, class Token>
bool HashChainXxh3(const BlockChain<Token>& chain, const BlockHashes& out) {
  BlockWriter<Format, Token> writer(chain);
  const MessagePair messages(writer.BytesMax());
  uint8_t* const parent_end = messages.ParentEnd(0);
  std::array<uint8_t, kXxh3DigestBytes> digest{};
  std::span<const uint8_t> parent = chain.root;
  for (size_t block = 0; block < out.values.size(); ++block) {
    writer.Begin(parent_end);
    uint8_t* const end = writer.Finish();
    const Message message = {parent_end, Format::BeginParent(parent_end, parent.size(), end), end};
    AppendBytes(Format::ParentBytes(parent_end, parent.size()), parent);
    if (!FitsOneFrame<Format>(message)) return false;
    RecordPreimage(out, message);
    HashXxh3({message.start, message.end}, digest.data());
    RecordDigest<kXxh3DigestBytes>(out, block, digest.data());
    parent = digest;
  }
  return true;
}

}  // namespace

size_t DigestBytes(HashAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case HashAlgorithm::kSha256Cbor:
    case HashAlgorithm::kSha256:
      return kSha256DigestBytes;
    case HashAlgorithm::kXxhashCbor:
    case HashAlgorithm::kXxhash:
      return kXxh3DigestBytes;
    case HashAlgorithm::kSha256Cbor64Bit:
      return sizeof(uint64_t);
  }
  return 0;
}

bool IsRootSize(HashAlgorithm algorithm, size_t bytes) noexcept {
  const size_t digest_bytes = DigestBytes(algorithm);
  return bytes == digest_bytes || (digest_bytes == kXxh3DigestBytes && bytes == kLongRootBytes);
}

template <class Token>
bool HashBlocks(const BlockChain<Token>& chain, const BlockHashes& out) {
  switch (chain.algorithm) {
    case HashAlgorithm::kSha256Cbor:
      return HashChainSha256<CborFormat>(chain, out);
    case HashAlgorithm::kSha256:
      return HashChainSha256<PickleFormat>(chain, out);
    case HashAlgorithm::kSha256Cbor64Bit:
      return HashChainSha256Integer(chain, out);
    case HashAlgorithm::kXxhashCbor:
      return HashChainXxh3<CborFormat>(chain, out);
    case HashAlgorithm::kXxhash:
      return HashChainXxh3<PickleFormat>(chain, out);
  }
  return false;
}

template bool HashBlocks<uint32_t>(const BlockChain<uint32_t>&, const BlockHashes&);
template bool HashBlocks<uint64_t>(const BlockChain<uint64_t>&, const BlockHashes&);

}  // namespace kv
