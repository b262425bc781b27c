// Token ids four at a time: one byte shuffle writes a pair of them.
#include "core/token_encoder.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define KV_SSSE3 __attribute__((target("ssse3")))

namespace kv {
namespace {

// What to do with a pair of ids, by 4 * form of the second + form of the first.
struct PairTable {
  // Where each byte of the output comes from in the pair's 8 bytes; 0x80 makes a zero.
  alignas(16) std::array<std::array<uint8_t, 16>, 16> source{};
  // Head bytes, to be or-ed in.
  alignas(16) std::array<std::array<uint8_t, 16>, 16> heads{};
  std::array<uint8_t, 16> bytes{};
};

constexpr PairTable MakePairs(const TokenFormat& format) {
  PairTable table;
  for (size_t pair = 0; pair < 16; ++pair) {
    auto& source = table.source[pair];
    source.fill(0x80);
    size_t end = 0;
    for (size_t which = 0; which < 2; ++which) {
      const size_t form = which == 0 ? pair % 4 : pair / 4;
      const size_t head_bytes = format.head_bytes[form];
      const size_t id_bytes = format.id_bytes[form];
      for (size_t i = 0; i < head_bytes; ++i) table.heads[pair][end + i] = format.heads[form][i];
      for (size_t i = 0; i < id_bytes; ++i) {
        const size_t significance = format.big_endian ? id_bytes - 1 - i : i;
        source[end + head_bytes + i] = static_cast<uint8_t>(4 * which + significance);
      }
      end += format.bytes[form];
    }
    table.bytes[pair] = static_cast<uint8_t>(end);
  }
  return table;
}

template <const TokenFormat& kFormat>
KV_SSSE3 uint8_t* AppendPairs(uint8_t* out, const uint32_t* ids, size_t count) noexcept {
  static constexpr PairTable kPairs = MakePairs(kFormat);
  // There is no unsigned compare: flipping the top bit of both sides makes a signed one do.
  const __m128i flip = _mm_set1_epi32(INT32_MIN);
  __m128i limits[3];
  for (int i = 0; i < 3; ++i) {
    limits[i] = _mm_xor_si128(_mm_set1_epi32(static_cast<int>(kFormat.limits[i])), flip);
  }
  const auto load = [](const auto& entry) KV_SSSE3 {
    return _mm_load_si128(reinterpret_cast<const __m128i*>(entry.data()));
  };

  for (size_t i = 0; i + 4 <= count; i += 4) {
    const __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i*>(ids + i));
    const __m128i flipped = _mm_xor_si128(four, flip);
    // A compare gives -1, so the sum is minus the form.
    const __m128i minus_form = _mm_add_epi32(
        _mm_add_epi32(_mm_cmpgt_epi32(flipped, limits[0]), _mm_cmpgt_epi32(flipped, limits[1])),
        _mm_cmpgt_epi32(flipped, limits[2]));
    const __m128i form = _mm_sub_epi32(_mm_setzero_si128(), minus_form);
    // One byte an id, then 16-bit sums 1 * first + 4 * second.
    const __m128i words = _mm_packs_epi32(form, form);
    const __m128i pairs = _mm_madd_epi16(words, _mm_set1_epi32(4 << 16 | 1));
    const uint64_t both = static_cast<uint64_t>(_mm_cvtsi128_si64(pairs));
    const size_t first = both & 15;
    const size_t second = both >> 32;

    const __m128i low = _mm_shuffle_epi8(four, load(kPairs.source[first]));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_or_si128(low, load(kPairs.heads[first])));
    out += kPairs.bytes[first];
    const __m128i high =
        _mm_shuffle_epi8(_mm_unpackhi_epi64(four, four), load(kPairs.source[second]));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                     _mm_or_si128(high, load(kPairs.heads[second])));
    out += kPairs.bytes[second];
  }
  const size_t done = count & ~size_t{3};
  return &kFormat == &kCborTokens ? AppendCborTokens(out, ids + done, count - done)
                                  : AppendPickleTokens(out, ids + done, count - done);
}

bool HasSsse3() noexcept {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSSE3) != 0;
}

}  // namespace

AppendTokens Ssse3CborTokens() noexcept {
  static const bool has_ssse3 = HasSsse3();
  return has_ssse3 ? AppendPairs<kCborTokens> : nullptr;
}

AppendTokens Ssse3PickleTokens() noexcept {
  static const bool has_ssse3 = HasSsse3();
  return has_ssse3 ? AppendPairs<kPickleTokens> : nullptr;
}

}  // namespace kv

#else

kv::AppendTokens kv::Ssse3CborTokens() noexcept { return nullptr; }
kv::AppendTokens kv::Ssse3PickleTokens() noexcept { return nullptr; }

#endif
