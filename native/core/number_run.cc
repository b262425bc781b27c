#include "core/number_run.h"

#include <algorithm>

#if defined(__x86_64__)

#include <immintrin.h>

#define KV_AVX2 __attribute__((target("avx2")))

namespace kv {
namespace {

constexpr size_t kStepBytes = 32;
// A count of values fills a byte: 2 * 16 of them a step.
constexpr uint64_t kStepsPerBatch = 7;
// Added to the count of a walk that meets something else than a number. A walk has 16 values at
// most, and counts saturate, so that the top bit says whether it did.
constexpr uint8_t kOther = 0x80;

// Bytes of a value by the low half of its first byte, for first bytes 0xc_ and 0xd_; 0: no number.
alignas(16) constexpr uint8_t kSizesC[16] = {1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 5, 9, 2, 3, 5, 9};
alignas(16) constexpr uint8_t kSizesD[16] = {2, 3, 5, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

// For each of two times 16 places: where the walk that begins there leaves its 16 bytes (16 to 24),
// and how many values it passes.
struct Walks {
  __m256i exits;
  __m256i counts;
};

KV_AVX2 inline __m256i Both(const uint8_t (&table)[16]) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table)));
}

KV_AVX2 inline Walks WalkAll(__m256i bytes) {
  const __m256i places = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  const __m256i one = _mm256_set1_epi8(1);
  const __m256i zero = _mm256_setzero_si256();
  const __m256i high = _mm256_and_si256(bytes, _mm256_set1_epi8(static_cast<char>(0xf0)));
  const __m256i low = _mm256_and_si256(bytes, _mm256_set1_epi8(0x0f));
  const auto is_high = [&](int half) KV_AVX2 {
    return _mm256_cmpeq_epi8(high, _mm256_set1_epi8(static_cast<char>(half)));
  };
  // Small integers: 0x00 to 0x7f and, as signed bytes, -32 to -1.
  __m256i sizes = _mm256_and_si256(_mm256_cmpgt_epi8(bytes, _mm256_set1_epi8(-33)), one);
  sizes = _mm256_blendv_epi8(sizes, _mm256_shuffle_epi8(Both(kSizesC), low), is_high(0xc0));
  sizes = _mm256_blendv_epi8(sizes, _mm256_shuffle_epi8(Both(kSizesD), low), is_high(0xd0));

  const __m256i other = _mm256_cmpeq_epi8(sizes, zero);
  __m256i counts =
      _mm256_or_si256(one, _mm256_and_si256(other, _mm256_set1_epi8(static_cast<char>(kOther))));
  // A walk goes on behind whatever it meets, so that it always ends; its count tells.
  __m256i exits = _mm256_add_epi8(places, _mm256_max_epu8(sizes, one));
  // Each round doubles the walks: to where one leads, append the one that begins there.
  for (int round = 0; round < 4; ++round) {
    const __m256i inside = _mm256_cmpgt_epi8(_mm256_set1_epi8(16), exits);
    const __m256i next_counts = _mm256_shuffle_epi8(counts, exits);
    const __m256i next_exits = _mm256_shuffle_epi8(exits, exits);
    counts = _mm256_adds_epu8(counts, _mm256_and_si256(inside, next_counts));
    exits = _mm256_blendv_epi8(exits, next_exits, inside);
  }
  return {exits, counts};
}

KV_AVX2 NumberRun SkipNumbersAvx2(std::span<const uint8_t> bytes, uint64_t values) noexcept {
  NumberRun run;
  const __m128i sixteen = _mm_set1_epi8(16);
  while (true) {
    // So many steps have neither more values than are wanted nor more bytes than are there.
    const uint64_t left =
        std::min<uint64_t>((values - run.values) / 32, (bytes.size() - run.bytes) / kStepBytes);
    const uint64_t steps = std::min(left, kStepsPerBatch);
    if (steps == 0) return run;
    // In all bytes alike: place in the next 16 bytes, values so far, marks of what is no number.
    __m128i place = _mm_setzero_si128();
    __m128i count = _mm_setzero_si128();
    __m128i marks = _mm_setzero_si128();
    for (uint64_t step = 0; step < steps; ++step) {
      const Walks walks = WalkAll(_mm256_loadu_si256(
          reinterpret_cast<const __m256i*>(bytes.data() + run.bytes + step * kStepBytes)));
      const auto follow = [&](__m128i exits, __m128i counts) KV_AVX2 {
        const __m128i passed = _mm_shuffle_epi8(counts, place);
        count = _mm_add_epi8(count, passed);
        marks = _mm_or_si128(marks, passed);
        place = _mm_sub_epi8(_mm_shuffle_epi8(exits, place), sixteen);
      };
      follow(_mm256_castsi256_si128(walks.exits), _mm256_castsi256_si128(walks.counts));
      follow(_mm256_extracti128_si256(walks.exits, 1), _mm256_extracti128_si256(walks.counts, 1));
    }
    if ((_mm_cvtsi128_si32(marks) & kOther) != 0) return run;
    const size_t end =
        run.bytes + steps * kStepBytes + static_cast<size_t>(_mm_cvtsi128_si32(place) & 0xff);
    // The last value goes beyond the message.
    if (end > bytes.size()) return run;
    run.bytes = end;
    run.values += static_cast<uint64_t>(_mm_cvtsi128_si32(count) & 0xff);
  }
}

}  // namespace

NumberRun SkipNumbers(std::span<const uint8_t> bytes, uint64_t values) noexcept {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  return has_avx2 ? SkipNumbersAvx2(bytes, values) : NumberRun{};
}

}  // namespace kv

#else

namespace kv {

NumberRun SkipNumbers(std::span<const uint8_t>, uint64_t) noexcept { return {}; }

}  // namespace kv

#endif
