// XXH3 with 128 bits and seed 0, as vLLM's `xxhash` algorithms use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kv {

inline constexpr size_t kXxh3DigestBytes = 16;

// Writes the canonical (big-endian) digest.
void HashXxh3(std::span<const uint8_t> message, uint8_t* digest) noexcept;

}  // namespace kv
