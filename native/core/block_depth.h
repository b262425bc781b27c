// How far a block lies from the head of its prompt, in 8 bits: exact up to 32, then in steps that
// grow with the depth (6 % of it), up to half a million blocks.
#pragma once

#include <cstdint>

namespace kv {

inline constexpr uint8_t kDeepest = 255;

// Depth of a block whose parent has depth `parent`. Beyond 32 one of 2^n blocks goes one step
// deeper; which one is drawn from the key, so no state is needed and a chain never goes back.
[[nodiscard]] constexpr uint8_t DepthAfter(uint8_t parent, uint64_t key) noexcept {
  if (parent == kDeepest) return kDeepest;
  const uint32_t doublings = parent < 32 ? 0 : (parent - 32u) / 16u + 1;
  const uint64_t drawn = key * 0x9e3779b97f4a7c15 >> 40;
  return (drawn & ((uint64_t{1} << doublings) - 1)) == 0 ? static_cast<uint8_t>(parent + 1)
                                                         : parent;
}

}  // namespace kv
