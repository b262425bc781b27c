// Canonical CBOR (RFC 8949 section 4.2.1) of the tuple vLLM hashes: (parent, tokens, extra).
//
// Every function appends at `out` and returns the new end. A store may be wider than what it
// appends: kWideStoreBytes must be writable at `out`.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace kv {

static_assert(std::endian::native == std::endian::little, "wide stores assume little endian");

inline constexpr size_t kWideStoreBytes = 16;

namespace cbor {

enum class Major : uint8_t { kUnsigned = 0, kBytes = 2, kArray = 4 };
inline constexpr uint8_t kNull = 0xf6;

// Head of an item: major type and argument in the shortest form.
[[nodiscard]] uint8_t* AppendHead(uint8_t* out, Major major, uint64_t argument) noexcept;

// A token id. Eight bytes are stored whatever the id's width, so that no branch depends on it.
[[nodiscard]] inline uint8_t* AppendToken(uint8_t* out, uint32_t id) noexcept {
  // Width class: 0 the id is the head itself, then 1, 2 or 4 bytes after a head of 18, 19 or 1a.
  const unsigned width = (id > 0x17) + (id > 0xff) + (id > 0xffff);
  const unsigned bytes = (1u << width) >> 1;
  const uint64_t big_endian = uint64_t{__builtin_bswap32(id)} >> (32 - 8 * bytes);
  const uint64_t item = (width == 0 ? id : 0x17 + width) | big_endian << 8;
  std::memcpy(out, &item, sizeof item);
  return out + 1 + bytes;
}

[[nodiscard]] inline uint8_t* AppendToken(uint8_t* out, uint64_t id) noexcept {
  return AppendHead(out, Major::kUnsigned, id);
}

}  // namespace cbor
}  // namespace kv
