#include "core/cbor.h"

#include <cstring>

namespace kv::cbor {

uint8_t* AppendHead(uint8_t* out, Major major, uint64_t argument) noexcept {
  const uint8_t type = static_cast<uint8_t>(static_cast<uint8_t>(major) << 5);
  if (argument < 24) {
    *out = static_cast<uint8_t>(type | argument);
    return out + 1;
  }
  const unsigned width = (argument > 0xff) + (argument > 0xffff) + (argument > 0xffffffff);
  const unsigned bytes = 1u << width;
  *out = static_cast<uint8_t>(type | (24 + width));
  const uint64_t big_endian = __builtin_bswap64(argument) >> (64 - 8 * bytes);
  std::memcpy(out + 1, &big_endian, sizeof big_endian);
  return out + 1 + bytes;
}

}  // namespace kv::cbor
