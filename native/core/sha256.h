// SHA-256 in whatever form this machine computes it fastest.
//
// Thread safety: all functions are pure; the choice of the fastest form is made once a process.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kv {

inline constexpr size_t kSha256BlockBytes = 64;
inline constexpr size_t kSha256DigestBytes = 32;
// The eight words a to h, in the order an implementation likes best.
struct alignas(16) Sha256State {
  std::array<uint32_t, 8> words;
};

// One way to compute SHA-256.
struct Sha256 {
  std::string_view name;
  Sha256State start;
  // Folds `count` blocks of 64 bytes into `state`. REQUIRES: blocks has count * 64 readable bytes.
  void (*compress)(Sha256State& state, const uint8_t* blocks, size_t count) noexcept;
  // Writes the 32 digest bytes of `state`.
  void (*store_digest)(const Sha256State& state, uint8_t* digest) noexcept;
};

// The fastest form this machine has.
[[nodiscard]] const Sha256& FastestSha256() noexcept;
[[nodiscard]] const Sha256& PortableSha256() noexcept;

// Ends a message in place as FIPS 180-4 section 5.1.1 says and returns its number of 64-byte
// blocks. REQUIRES: kSha256PaddingBytes writable bytes at `end`.
inline constexpr size_t kSha256PaddingBytes = 80;
size_t PadSha256(const uint8_t* start, uint8_t* end) noexcept;

void HashSha256(const Sha256& sha256, std::span<const uint8_t> message, uint8_t* digest) noexcept;

// Initial values a to h of FIPS 180-4 section 5.3.3.
inline constexpr std::array<uint32_t, 8> kSha256Start = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// Round constants of FIPS 180-4 section 4.2.2.
alignas(16) inline constexpr std::array<uint32_t, 64> kSha256Rounds = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// Each file of an instruction set answers nullptr where the machine lacks it.
[[nodiscard]] const Sha256* X86Sha256() noexcept;
[[nodiscard]] const Sha256* ArmSha256() noexcept;
}  // namespace kv
