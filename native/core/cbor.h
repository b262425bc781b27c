// Canonical CBOR (RFC 8949 section 4.2.1) of the tuple vLLM hashes: (parent, tokens, extra).
//
// Every function appends at `out` and returns the new end. A store may be wider than what it
// appends: kWideStoreBytes must be writable at `out`.
#pragma once

#include <cstdint>

#include "core/token_encoder.h"

namespace kv::cbor {

enum class Major : uint8_t { kUnsigned = 0, kArray = 4 };
inline constexpr uint8_t kNull = 0xf6;

// Head of an item: major type and argument in the shortest form.
[[nodiscard]] uint8_t* AppendHead(uint8_t* out, Major major, uint64_t argument) noexcept;

[[nodiscard]] inline uint8_t* AppendWideToken(uint8_t* out, uint64_t id) noexcept {
  return AppendHead(out, Major::kUnsigned, id);
}

}  // namespace kv::cbor
