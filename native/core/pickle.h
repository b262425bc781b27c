// Pickle protocol 5 as CPython's C pickler writes the tuple vLLM hashes: (parent, tokens, extra).
// The opcodes are those of CPython's Lib/pickle.py.
//
// Every function appends at `out` and returns the new end. A store may be wider than what it
// appends: kWideStoreBytes must be writable at `out`.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/token_encoder.h"

namespace kv::pickle {

inline constexpr uint8_t kLong1 = 0x8a;
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

inline constexpr size_t kHeaderBytes = 11;
// CPython ends a frame once it holds this many bytes; a longer message would have two.
inline constexpr size_t kFrameBytesMax = 64 * 1024;

[[nodiscard]] inline uint8_t* AppendByte(uint8_t* out, uint8_t byte) noexcept {
  *out = byte;
  return out + 1;
}

[[nodiscard]] uint8_t* AppendWideToken(uint8_t* out, uint64_t id) noexcept;

}  // namespace kv::pickle
