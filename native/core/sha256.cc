#include "core/sha256.h"

#include <bit>
#include <cstring>

namespace kv {
namespace {

uint32_t LoadBigEndian(const uint8_t* bytes) noexcept {
  uint32_t word;
  std::memcpy(&word, bytes, sizeof word);
  return __builtin_bswap32(word);
}

// FIPS 180-4 section 6.2.2, with the message schedule kept in a ring of 16 words.
void CompressPortable(Sha256State& state, const uint8_t* blocks, size_t count) noexcept {
  for (; count > 0; --count, blocks += kSha256BlockBytes) {
    std::array<uint32_t, 16> w;
    for (size_t i = 0; i < 16; ++i) w[i] = LoadBigEndian(blocks + 4 * i);
    auto [a, b, c, d, e, f, g, h] = state.words;
    for (size_t i = 0; i < 64; ++i) {
      if (i >= 16) {
        const uint32_t w15 = w[(i + 1) & 15];
        const uint32_t w2 = w[(i + 14) & 15];
        const uint32_t s0 = std::rotr(w15, 7) ^ std::rotr(w15, 18) ^ (w15 >> 3);
        const uint32_t s1 = std::rotr(w2, 17) ^ std::rotr(w2, 19) ^ (w2 >> 10);
        w[i & 15] += s0 + w[(i + 9) & 15] + s1;
      }
      const uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const uint32_t choice = (e & f) ^ (~e & g);
      const uint32_t t1 = h + sum1 + choice + kSha256Rounds[i] + w[i & 15];
      const uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + sum0 + majority;
    }
    const std::array<uint32_t, 8> mixed = {a, b, c, d, e, f, g, h};
    for (size_t i = 0; i < 8; ++i) state.words[i] += mixed[i];
  }
}

void StoreDigestPortable(const Sha256State& state, uint8_t* digest) noexcept {
  for (size_t i = 0; i < 8; ++i) {
    const uint32_t word = __builtin_bswap32(state.words[i]);
    std::memcpy(digest + 4 * i, &word, sizeof word);
  }
}

constexpr Sha256 kPortable = {"portable", {kSha256Start}, CompressPortable, StoreDigestPortable};

const Sha256& ChooseSha256() noexcept {
  if (const Sha256* x86 = X86Sha256()) return *x86;
  if (const Sha256* arm = ArmSha256()) return *arm;
  return kPortable;
}

}  // namespace

const Sha256& PortableSha256() noexcept { return kPortable; }

const Sha256& FastestSha256() noexcept {
  static const Sha256& fastest = ChooseSha256();
  return fastest;
}

size_t PadSha256(const uint8_t* start, uint8_t* end) noexcept {
  const size_t bytes = static_cast<size_t>(end - start);
  const size_t count = (bytes + 9 + kSha256BlockBytes - 1) / kSha256BlockBytes;
  // A constant number of zeros compiles to a few wide stores; it may reach past the last block.
  std::memset(end, 0, kSha256PaddingBytes);
  *end = 0x80;
  const uint64_t bits = __builtin_bswap64(uint64_t{bytes} * 8);
  std::memcpy(end - bytes + count * kSha256BlockBytes - sizeof bits, &bits, sizeof bits);
  return count;
}

void HashSha256(const Sha256& sha256, std::span<const uint8_t> message, uint8_t* digest) noexcept {
  Sha256State state = sha256.start;
  const size_t whole = message.size() / kSha256BlockBytes;
  sha256.compress(state, message.data(), whole);

  const std::span<const uint8_t> rest = message.subspan(whole * kSha256BlockBytes);
  std::array<uint8_t, kSha256BlockBytes + kSha256PaddingBytes> last;
  if (!rest.empty()) std::memcpy(last.data(), rest.data(), rest.size());
  const size_t count = PadSha256(last.data(), last.data() + rest.size());
  const uint64_t bits = __builtin_bswap64(uint64_t{message.size()} * 8);
  std::memcpy(last.data() + count * kSha256BlockBytes - sizeof bits, &bits, sizeof bits);
  sha256.compress(state, last.data(), count);
  sha256.store_digest(state, digest);
}

}  // namespace kv
