// SHA-256 with the cryptography extension of ARMv8, chosen at run time.
#include "core/sha256.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#if defined(__clang__)
#define KV_ARM_SHA __attribute__((target("sha2")))
#else
#define KV_ARM_SHA __attribute__((target("+crypto")))
#endif

namespace kv {
namespace {

KV_ARM_SHA void CompressArm(Sha256State& state, const uint8_t* blocks, size_t count) noexcept {
  uint32x4_t abcd = vld1q_u32(&state.words[0]);
  uint32x4_t efgh = vld1q_u32(&state.words[4]);

  for (; count > 0; --count, blocks += kSha256BlockBytes) {
    const uint32x4_t abcd_before = abcd;
    const uint32x4_t efgh_before = efgh;
    uint32x4_t w[4];
    for (int i = 0; i < 4; ++i) {
      w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 16 * i)));
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      // Four rounds a step; from the fifth step on, w holds the last 16 words of the schedule.
      uint32x4_t& now = w[i & 3];
      if (i >= 4) {
        now = vsha256su1q_u32(vsha256su0q_u32(now, w[(i + 1) & 3]), w[(i + 2) & 3], w[(i + 3) & 3]);
      }
      const uint32x4_t keyed = vaddq_u32(now, vld1q_u32(&kSha256Rounds[4 * i]));
      const uint32x4_t abcd_old = abcd;
      abcd = vsha256hq_u32(abcd, efgh, keyed);
      efgh = vsha256h2q_u32(efgh, abcd_old, keyed);
    }
    abcd = vaddq_u32(abcd, abcd_before);
    efgh = vaddq_u32(efgh, efgh_before);
  }

  vst1q_u32(&state.words[0], abcd);
  vst1q_u32(&state.words[4], efgh);
}

void StoreDigestArm(const Sha256State& state, uint8_t* digest) noexcept {
  for (int half = 0; half < 2; ++half) {
    vst1q_u8(digest + 16 * half,
             vrev32q_u8(vreinterpretq_u8_u32(vld1q_u32(&state.words[4 * half]))));
  }
}

constexpr Sha256 kArmv8 = {"armv8", {kSha256Start}, CompressArm, StoreDigestArm};

bool HasSha2() noexcept {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0;
#else
  return true;  // Every arm64 machine of Apple has it.
#endif
}

}  // namespace

const Sha256* ArmSha256() noexcept {
  static const bool has_sha2 = HasSha2();
  return has_sha2 ? &kArmv8 : nullptr;
}

}  // namespace kv

#else

const kv::Sha256* kv::ArmSha256() noexcept { return nullptr; }

#endif
