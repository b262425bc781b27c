// Token ids, one after the other, in the shortest form of a serialization format.
//
// Thread safety: pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace kv {

// A store may be wider than what it appends: this many bytes must be writable at `out`.
inline constexpr size_t kWideStoreBytes = 16;

// How a format writes an id: one of four forms by its size. A form is a head and then the id's
// bytes; the id of form 0 may be its own head.
struct TokenFormat {
  // Form k + 1 begins above limits[k].
  std::array<uint32_t, 3> limits;
  std::array<std::array<uint8_t, 2>, 4> heads;
  std::array<uint8_t, 4> head_bytes;
  std::array<uint8_t, 4> id_bytes;
  // Bytes of the whole form; what head and id leave of it is zero.
  std::array<uint8_t, 4> bytes;
  bool big_endian;
};

inline constexpr TokenFormat kCborTokens = {
    .limits = {0x17, 0xff, 0xffff},
    .heads = {{{}, {0x18}, {0x19}, {0x1a}}},
    .head_bytes = {0, 1, 1, 1},
    .id_bytes = {1, 1, 2, 4},
    .bytes = {1, 2, 3, 5},
    .big_endian = true,
};

// BININT1, BININT2, BININT, and LONG1 of five bytes, whose last is zero, from 2^31 on.
inline constexpr TokenFormat kPickleTokens = {
    .limits = {0xff, 0xffff, 0x7fffffff},
    .heads = {{{0x4b}, {0x4d}, {0x4a}, {0x8a, 0x05}}},
    .head_bytes = {1, 1, 1, 2},
    .id_bytes = {1, 2, 4, 4},
    .bytes = {2, 3, 5, 7},
    .big_endian = false,
};

// Appends `count` ids at `out` and returns the new end.
using AppendTokens = uint8_t* (*)(uint8_t* out, const uint32_t* ids, size_t count) noexcept;

// What is fastest on this machine.
[[nodiscard]] AppendTokens FastestCborTokens() noexcept;
[[nodiscard]] AppendTokens FastestPickleTokens() noexcept;

// The form without special instructions, which also ends what the others leave over.
uint8_t* AppendCborTokens(uint8_t* out, const uint32_t* ids, size_t count) noexcept;
uint8_t* AppendPickleTokens(uint8_t* out, const uint32_t* ids, size_t count) noexcept;

// nullptr where the machine lacks SSSE3.
[[nodiscard]] AppendTokens Ssse3CborTokens() noexcept;
[[nodiscard]] AppendTokens Ssse3PickleTokens() noexcept;

}  // namespace kv
