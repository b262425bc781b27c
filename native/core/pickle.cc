#include "core/pickle.h"

#include <bit>

namespace kv::pickle {

uint8_t* AppendToken(uint8_t* out, uint64_t id) noexcept {
  if (id <= 0xffffffff) return AppendToken(out, static_cast<uint32_t>(id));
  // LONG1 is two's complement: one more bit than the value has, for the sign.
  const size_t bytes = static_cast<size_t>(std::bit_width(id)) / 8 + 1;
  out[0] = kLong1;
  out[1] = static_cast<uint8_t>(bytes);
  std::memcpy(out + 2, &id, sizeof id);
  out[2 + sizeof id] = 0;
  return out + 2 + bytes;
}

}  // namespace kv::pickle
