// Pickle protocol 5 as CPython's C pickler writes the tuple vLLM hashes: (parent, tokens, extra).
// The opcodes are those of CPython's Lib/pickle.py; the grammar is in VLLM's hash of `sha256`.
//
// Every function appends at `out` and returns the new end. A store may be wider than what it
// appends: kWideStoreBytes must be writable at `out`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/cbor.h"

namespace kv::pickle {

inline constexpr uint8_t kProto = 0x80;
inline constexpr uint8_t kFrame = 0x95;
inline constexpr uint8_t kShortBinBytes = 0x43;
inline constexpr uint8_t kMark = 0x28;
inline constexpr uint8_t kTuple = 0x74;
inline constexpr uint8_t kTuple1 = 0x85;
inline constexpr uint8_t kTuple3 = 0x87;
inline constexpr uint8_t kMemoize = 0x94;
inline constexpr uint8_t kNone = 0x4e;
inline constexpr uint8_t kStop = 0x2e;
inline constexpr uint8_t kLong1 = 0x8a;

inline constexpr size_t kHeaderBytes = 11;
// CPython ends a frame once it holds this many bytes; a longer message would have two.
inline constexpr size_t kFrameBytesMax = 64 * 1024;

[[nodiscard]] inline uint8_t* AppendByte(uint8_t* out, uint8_t byte) noexcept {
  *out = byte;
  return out + 1;
}

// A token id. Eight bytes are stored whatever the id's width, so that no branch depends on it.
[[nodiscard]] inline uint8_t* AppendToken(uint8_t* out, uint32_t id) noexcept {
  // BININT1, BININT2, BININT, and LONG1 of five bytes, whose last is zero, from 2^31 on.
  static constexpr std::array<uint64_t, 4> kHeads = {0x4b, 0x4d, 0x4a, 0x058a};
  static constexpr std::array<uint8_t, 4> kIdBits = {8, 8, 8, 16};
  static constexpr std::array<uint8_t, 4> kBytes = {2, 3, 5, 7};
  const unsigned width = (id > 0xff) + (id > 0xffff) + (id > 0x7fffffff);
  const uint64_t item = kHeads[width] | uint64_t{id} << kIdBits[width];
  std::memcpy(out, &item, sizeof item);
  return out + kBytes[width];
}

[[nodiscard]] uint8_t* AppendToken(uint8_t* out, uint64_t id) noexcept;

}  // namespace kv::pickle
