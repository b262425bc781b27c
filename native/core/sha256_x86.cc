// SHA-256 with the SHA extensions of x86-64 (SHA-NI), chosen at run time by CPUID.
#include "core/sha256.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define KV_SHA_NI __attribute__((target("sha,sse4.1,ssse3")))

namespace kv {
namespace {

// Reverses the bytes of each 32-bit lane.
KV_SHA_NI inline __m128i SwapWords(__m128i words) noexcept {
  return _mm_shuffle_epi8(words, _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
}

KV_SHA_NI inline __m128i Load(const void* from) noexcept {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

KV_SHA_NI inline void Store(void* to, __m128i value) noexcept {
  _mm_storeu_si128(static_cast<__m128i*>(to), value);
}

// The instructions want the state as f e b a | h g d c, the lowest lane first.
KV_SHA_NI void CompressShaNi(Sha256State& state, const uint8_t* blocks, size_t count) noexcept {
  __m128i abef = Load(&state.words[0]);
  __m128i cdgh = Load(&state.words[4]);

  for (; count > 0; --count, blocks += kSha256BlockBytes) {
    const __m128i abef_before = abef;
    const __m128i cdgh_before = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; ++i) w[i] = SwapWords(Load(blocks + 16 * i));
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      // Four rounds a step; from the fifth step on, w holds the last 16 words of the schedule.
      __m128i& now = w[i & 3];
      if (i >= 4) {
        const __m128i& last = w[(i + 3) & 3];
        const __m128i seventh = _mm_alignr_epi8(last, w[(i + 2) & 3], 4);
        now = _mm_add_epi32(_mm_sha256msg1_epu32(now, w[(i + 1) & 3]), seventh);
        now = _mm_sha256msg2_epu32(now, last);
      }
      const __m128i keyed = _mm_add_epi32(now, Load(&kSha256Rounds[4 * i]));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, keyed);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(keyed, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }

  Store(&state.words[0], abef);
  Store(&state.words[4], cdgh);
}

KV_SHA_NI void StoreDigestShaNi(const Sha256State& state, uint8_t* digest) noexcept {
  const __m128i abef = _mm_shuffle_epi32(Load(&state.words[0]), 0x1b);
  const __m128i cdgh = _mm_shuffle_epi32(Load(&state.words[4]), 0x1b);
  Store(digest, SwapWords(_mm_unpacklo_epi64(abef, cdgh)));
  Store(digest + 16, SwapWords(_mm_unpackhi_epi64(abef, cdgh)));
}

constexpr Sha256State Arranged(const std::array<uint32_t, 8>& w) {
  return {{w[5], w[4], w[1], w[0], w[7], w[6], w[3], w[2]}};
}

constexpr Sha256 kShaNi = {"sha-ni", Arranged(kSha256Start), CompressShaNi, StoreDigestShaNi};

bool HasShaNi() noexcept {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return false;
  if ((c & bit_SSSE3) == 0 || (c & bit_SSE4_1) == 0) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

}  // namespace

const Sha256* X86Sha256() noexcept {
  static const bool has_sha_ni = HasShaNi();
  return has_sha_ni ? &kShaNi : nullptr;
}

}  // namespace kv

#else

const kv::Sha256* kv::X86Sha256() noexcept { return nullptr; }

#endif
