#include "core/block_hash.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "core/cbor.h"
#include "core/pickle.h"
#include "core/xxh3.h"

// A message is written around a fixed point, the end of its parent:
//
//   0 ... | header, parent | token tuple, extra, end | padding
//         ^ start          ^ kParentEnd
//
// What follows the parent does not depend on it, so it is written while the parent is still being
// computed. The parent goes in last and backwards, since its width may differ (a 32-byte root of a
// 16-byte chain, a small 64-bit integer).

namespace kv {
namespace {

constexpr size_t kRootBytesMax = 32;
// Room for the longest header and parent: 11 + 2 + 32 + 1 bytes of pickle.
constexpr size_t kParentSpaceBytes = 64;

uint64_t LoadBigEndian64(const uint8_t* bytes) noexcept {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return __builtin_bswap64(value);
}

uint8_t* AppendBytes(uint8_t* out, std::span<const uint8_t> bytes) noexcept {
  std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}

struct CborFormat {
  static constexpr size_t kTokenBytesMax = 9;

  static uint8_t* BeginTokens(uint8_t* out, uint32_t count) noexcept {
    return cbor::AppendHead(out, cbor::Major::kArray, count);
  }
  template <class Token>
  static uint8_t* AppendToken(uint8_t* out, Token id) noexcept {
    return cbor::AppendToken(out, id);
  }
  static uint8_t* EndTokens(uint8_t* out, uint32_t) noexcept { return out; }
  static uint8_t* AppendNone(uint8_t* out) noexcept {
    *out = cbor::kNull;
    return out + 1;
  }
  static uint8_t* End(uint8_t* out) noexcept { return out; }

  // 83 58 20 <32 bytes>, or 83 50 <16 bytes>.
  static uint8_t* PrependParent(uint8_t* parent_end, const uint8_t* parent, size_t bytes,
                                const uint8_t*) noexcept {
    uint8_t* const data = parent_end - bytes;
    std::memcpy(data, parent, bytes);
    uint8_t* const start = data - (bytes < 24 ? 2 : 3);
    start[0] = 0x83;
    if (bytes < 24) {
      start[1] = static_cast<uint8_t>(0x40 | bytes);
    } else {
      start[1] = 0x58;
      start[2] = static_cast<uint8_t>(bytes);
    }
    return start;
  }
};

// The chain of sha256_cbor_64bit: its parent is an integer in the shortest form.
struct CborIntegerFormat : CborFormat {
  static uint8_t* PrependParent(uint8_t* parent_end, const uint8_t* parent, size_t,
                                const uint8_t*) noexcept {
    uint8_t head[kWideStoreBytes];
    const uint8_t* const head_end =
        cbor::AppendHead(head, cbor::Major::kUnsigned, LoadBigEndian64(parent));
    const size_t bytes = static_cast<size_t>(head_end - head);
    uint8_t* const start = parent_end - bytes - 1;
    start[0] = 0x83;
    std::memcpy(start + 1, head, bytes);
    return start;
  }
};

struct PickleFormat {
  static constexpr size_t kTokenBytesMax = 11;

  static uint8_t* BeginTokens(uint8_t* out, uint32_t count) noexcept {
    return count > 3 ? pickle::AppendByte(out, pickle::kMark) : out;
  }
  template <class Token>
  static uint8_t* AppendToken(uint8_t* out, Token id) noexcept {
    return pickle::AppendToken(out, id);
  }
  static uint8_t* EndTokens(uint8_t* out, uint32_t count) noexcept {
    const uint32_t short_form = pickle::kTuple1 + count - 1;
    out = pickle::AppendByte(out, count > 3 ? pickle::kTuple : static_cast<uint8_t>(short_form));
    return pickle::AppendByte(out, pickle::kMemoize);
  }
  static uint8_t* AppendNone(uint8_t* out) noexcept {
    return pickle::AppendByte(out, pickle::kNone);
  }
  static uint8_t* End(uint8_t* out) noexcept {
    out = pickle::AppendByte(out, pickle::kTuple3);
    out = pickle::AppendByte(out, pickle::kMemoize);
    return pickle::AppendByte(out, pickle::kStop);
  }

  // 80 05 95 <length of all that follows, 8 bytes> 43 <n> <n bytes> 94.
  static uint8_t* PrependParent(uint8_t* parent_end, const uint8_t* parent, size_t bytes,
                                const uint8_t* end) noexcept {
    parent_end[-1] = pickle::kMemoize;
    uint8_t* const data = parent_end - 1 - bytes;
    std::memcpy(data, parent, bytes);
    data[-2] = pickle::kShortBinBytes;
    data[-1] = static_cast<uint8_t>(bytes);
    const uint64_t framed = static_cast<uint64_t>(end - (data - 2));
    uint8_t* const start = data - 2 - pickle::kHeaderBytes;
    start[0] = pickle::kProto;
    start[1] = 5;
    start[2] = pickle::kFrame;
    std::memcpy(start + 3, &framed, sizeof framed);
    return start;
  }
};

// Writes what follows the parent, block after block.
template <class Format, class Token>
class BlockWriter {
 public:
  explicit BlockWriter(const BlockChain<Token>& chain) noexcept : chain_(chain) {}

  [[nodiscard]] size_t BytesMax() const noexcept {
    size_t extra_bytes = chain_.extra_every.size();
    for (const auto& value : chain_.extra_values) extra_bytes = std::max(extra_bytes, value.size());
    return size_t{chain_.block_size} * Format::kTokenBytesMax + extra_bytes + 2 * kWideStoreBytes;
  }

  // Appends the next block at `out` and returns its end.
  [[nodiscard]] uint8_t* AppendNext(uint8_t* out) noexcept {
    out = Format::BeginTokens(out, chain_.block_size);
    const Token* const first = chain_.tokens.data() + size_t{block_} * chain_.block_size;
    for (uint32_t i = 0; i < chain_.block_size; ++i) out = Format::AppendToken(out, first[i]);
    out = Format::EndTokens(out, chain_.block_size);

    std::span<const uint8_t> extra = chain_.extra_every;
    if (next_extra_ < chain_.extra_blocks.size() && chain_.extra_blocks[next_extra_] == block_) {
      extra = chain_.extra_values[next_extra_];
      ++next_extra_;
    }
    out = extra.empty() ? Format::AppendNone(out) : AppendBytes(out, extra);
    ++block_;
    return Format::End(out);
  }

 private:
  const BlockChain<Token>& chain_;
  uint32_t block_ = 0;
  size_t next_extra_ = 0;
};

// One link of the chain.
struct Link {
  uint8_t bytes[kRootBytesMax];
  size_t size;
};

void Record(const BlockHashes& out, size_t block, const Link& link, const uint8_t* start,
            const uint8_t* end) {
  out.values[block] = LoadBigEndian64(link.bytes + link.size - 8);
  if (out.digests != nullptr) {
    std::memcpy(out.digests + block * link.size, link.bytes, link.size);
  }
  if (out.preimages != nullptr) out.preimages->emplace_back(start, end);
}

template <class Format>
bool FitsOneFrame(const uint8_t* start, const uint8_t* end) noexcept {
  return !std::is_same_v<Format, PickleFormat> ||
         static_cast<size_t>(end - start) - pickle::kHeaderBytes < pickle::kFrameBytesMax;
}

template <class Format, size_t kDigestBytes, class Token>
bool HashChainSha256(const BlockChain<Token>& chain, const BlockHashes& out) {
  BlockWriter<Format, Token> writer(chain);
  const size_t buffer_bytes = kParentSpaceBytes + writer.BytesMax() + kSha256PaddingBytes;
  const auto memory = std::make_unique_for_overwrite<uint8_t[]>(2 * buffer_bytes);
  uint8_t* const parent_ends[2] = {memory.get() + kParentSpaceBytes,
                                   memory.get() + buffer_bytes + kParentSpaceBytes};
  Link link;
  link.size = chain.root.size();
  std::memcpy(link.bytes, chain.root.data(), link.size);

  const size_t count = out.values.size();
  uint8_t* next_end = count > 0 ? writer.AppendNext(parent_ends[0]) : nullptr;
  for (size_t block = 0; block < count; ++block) {
    uint8_t* const end = next_end;
    uint8_t* const start =
        Format::PrependParent(parent_ends[block & 1], link.bytes, link.size, end);
    if (!FitsOneFrame<Format>(start, end)) return false;
    const size_t compressions = PadSha256(start, end);
    Sha256State state = kSha256Start;
    chain.sha256->compress(state, start, 1);
    // The compressions of one chain wait for each other; writing the next block between two of them
    // fills that wait.
    if (block + 1 < count) next_end = writer.AppendNext(parent_ends[(block + 1) & 1]);
    if (compressions > 1) {
      chain.sha256->compress(state, start + kSha256BlockBytes, compressions - 1);
    }
    uint8_t digest[kSha256DigestBytes];
    chain.sha256->store_digest(state, digest);
    link.size = kDigestBytes;
    std::memcpy(link.bytes, digest + kSha256DigestBytes - kDigestBytes, kDigestBytes);
    Record(out, block, link, start, end);
  }
  return true;
}

template <class Format, class Token>
bool HashChainXxh3(const BlockChain<Token>& chain, const BlockHashes& out) {
  BlockWriter<Format, Token> writer(chain);
  const auto memory =
      std::make_unique_for_overwrite<uint8_t[]>(kParentSpaceBytes + writer.BytesMax());
  uint8_t* const parent_end = memory.get() + kParentSpaceBytes;
  Link link;
  link.size = chain.root.size();
  std::memcpy(link.bytes, chain.root.data(), link.size);

  for (size_t block = 0; block < out.values.size(); ++block) {
    uint8_t* const end = writer.AppendNext(parent_end);
    uint8_t* const start = Format::PrependParent(parent_end, link.bytes, link.size, end);
    if (!FitsOneFrame<Format>(start, end)) return false;
    link.size = kXxh3DigestBytes;
    HashXxh3({start, end}, link.bytes);
    Record(out, block, link, start, end);
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
  return bytes == digest_bytes || (digest_bytes == kXxh3DigestBytes && bytes == kRootBytesMax);
}

template <class Token>
bool HashBlocks(const BlockChain<Token>& chain, const BlockHashes& out) {
  switch (chain.algorithm) {
    case HashAlgorithm::kSha256Cbor:
      return HashChainSha256<CborFormat, 32>(chain, out);
    case HashAlgorithm::kSha256:
      return HashChainSha256<PickleFormat, 32>(chain, out);
    case HashAlgorithm::kSha256Cbor64Bit:
      return HashChainSha256<CborIntegerFormat, 8>(chain, out);
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
