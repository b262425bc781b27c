#include "core/pickle.h"

#include <bit>
#include <cstring>

namespace kv::pickle {

uint8_t* AppendWideToken(uint8_t* out, uint64_t id) noexcept {
  if (id <= UINT32_MAX) {
    const uint32_t narrow = static_cast<uint32_t>(id);
    return AppendPickleTokens(out, &narrow, 1);
  }
  // LONG1 is two's complement: one more bit than the value has, for the sign.
  const size_t bytes = static_cast<size_t>(std::bit_width(id)) / 8 + 1;
  out[0] = kLong1;
  out[1] = static_cast<uint8_t>(bytes);
  std::memcpy(out + 2, &id, sizeof id);
  out[2 + sizeof id] = 0;
  return out + 2 + bytes;
}

}  // namespace kv::pickle
