// What the next block of a chain follows: the root, or the digest of the block before.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace kv {

struct ChainLink {
  explicit ChainLink(std::span<const uint8_t> digest) : size(static_cast<uint32_t>(digest.size())) {
    std::copy(digest.begin(), digest.end(), bytes.begin());
  }
  std::span<const uint8_t> view() const { return {bytes.data(), size}; }

  std::array<uint8_t, 32> bytes{};
  uint32_t size;
};

}  // namespace kv
