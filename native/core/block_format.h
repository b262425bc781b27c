// The two serializations of the tuple vLLM hashes, as the steps in which block_hash.cc writes it:
// around a fixed point, the end of the parent.
//
//   | header, parent | token tuple, extra, end | padding
//   ^ BeginParent()  ^ parent_end
//
// Every Append function and BeginTokens, EndTokens and End write at `out` and return the new end;
// kWideStoreBytes must be writable there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/cbor.h"
#include "core/pickle.h"
#include "core/token_encoder.h"

namespace kv {

// Room for the longest header and parent: 11 + 2 + 32 + 1 bytes of pickle.
inline constexpr size_t kParentSpaceBytes = 64;

struct CborFormat {
  static constexpr size_t kTokenBytesMax = 9;

  static uint8_t* BeginTokens(uint8_t* out, uint32_t count) noexcept {
    return cbor::AppendHead(out, cbor::Major::kArray, count);
  }
  static AppendTokens TokenAppender(bool portable) noexcept {
    return portable ? AppendCborTokens : FastestCborTokens();
  }
  static uint8_t* AppendWideToken(uint8_t* out, uint64_t id) noexcept {
    return cbor::AppendWideToken(out, id);
  }
  static uint8_t* EndTokens(uint8_t* out, uint32_t) noexcept { return out; }
  static uint8_t* AppendNone(uint8_t* out) noexcept {
    *out = cbor::kNull;
    return out + 1;
  }
  static uint8_t* End(uint8_t* out) noexcept { return out; }

  // Writes 83 58 20 before a parent of 32 bytes, 83 50 before one of 16, and returns the start.
  static uint8_t* BeginParent(uint8_t* parent_end, size_t bytes, const uint8_t*) noexcept {
    uint8_t* const start = parent_end - bytes - (bytes < 24 ? 2 : 3);
    start[0] = 0x83;
    if (bytes < 24) {
      start[1] = static_cast<uint8_t>(0x40 | bytes);
    } else {
      start[1] = 0x58;
      start[2] = static_cast<uint8_t>(bytes);
    }
    return start;
  }
  static uint8_t* ParentBytes(uint8_t* parent_end, size_t bytes) noexcept {
    return parent_end - bytes;
  }
};

struct PickleFormat {
  static constexpr size_t kTokenBytesMax = 11;

  static uint8_t* BeginTokens(uint8_t* out, uint32_t count) noexcept {
    return count > 3 ? pickle::AppendByte(out, pickle::kMark) : out;
  }
  static AppendTokens TokenAppender(bool portable) noexcept {
    return portable ? AppendPickleTokens : FastestPickleTokens();
  }
  static uint8_t* AppendWideToken(uint8_t* out, uint64_t id) noexcept {
    return pickle::AppendWideToken(out, id);
  }
  static uint8_t* EndTokens(uint8_t* out, uint32_t count) noexcept {
    const uint32_t short_form = pickle::kTuple1 + count - 1;
    out = pickle::AppendByte(out, count > 3 ? pickle::kTuple : static_cast<uint8_t>(short_form));
    return pickle::AppendByte(out, pickle::kMemoize);
  }
  static uint8_t* AppendNone(uint8_t* out) noexcept {
    return pickle::AppendByte(out, pickle::kNone);
  }
  static uint8_t* End(uint8_t* out) noexcept {
    out = pickle::AppendByte(out, pickle::kTuple3);
    out = pickle::AppendByte(out, pickle::kMemoize);
    return pickle::AppendByte(out, pickle::kStop);
  }

  // Writes 80 05 95 <length of all that follows, 8 bytes> 43 <n> before a parent of n bytes and 94
  // after it, and returns the start.
  static uint8_t* BeginParent(uint8_t* parent_end, size_t bytes, const uint8_t* end) noexcept {
    parent_end[-1] = pickle::kMemoize;
    uint8_t* const body = ParentBytes(parent_end, bytes) - 2;
    body[0] = pickle::kShortBinBytes;
    body[1] = static_cast<uint8_t>(bytes);
    const uint64_t framed = static_cast<uint64_t>(end - body);
    uint8_t* const start = body - pickle::kHeaderBytes;
    start[0] = pickle::kProto;
    start[1] = 5;
    start[2] = pickle::kFrame;
    std::memcpy(start + 3, &framed, sizeof framed);
    return start;
  }
  static uint8_t* ParentBytes(uint8_t* parent_end, size_t bytes) noexcept {
    return parent_end - 1 - bytes;
  }
};

// Writes 83 and the parent of sha256_cbor_64bit, an integer in the shortest form, and returns the
// start.
inline uint8_t* PrependInteger(uint8_t* parent_end, uint64_t parent) noexcept {
  // Nearly every hash needs all 8 bytes; a copy of known length keeps the chain short.
  if (parent > UINT32_MAX) {
    const uint64_t big_endian = __builtin_bswap64(parent);
    uint8_t* const start = parent_end - sizeof parent - 2;
    start[0] = 0x83;
    start[1] = 0x1b;
    std::memcpy(start + 2, &big_endian, sizeof big_endian);
    return start;
  }
  std::array<uint8_t, kWideStoreBytes> head;
  const uint8_t* const head_end = cbor::AppendHead(head.data(), cbor::Major::kUnsigned, parent);
  const size_t bytes = static_cast<size_t>(head_end - head.data());
  uint8_t* const start = parent_end - bytes - 1;
  start[0] = 0x83;
  std::memcpy(start + 1, head.data(), bytes);
  return start;
}

}  // namespace kv
