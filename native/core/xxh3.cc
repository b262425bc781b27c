#include "core/xxh3.h"

#include <cstring>

// The header of the reference implementation, from the npm package xxhash-addon.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace kv {

void HashXxh3(std::span<const uint8_t> message, uint8_t* digest) noexcept {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(message.data(), message.size()));
  std::memcpy(digest, canonical.digest, kXxh3DigestBytes);
}

}  // namespace kv
