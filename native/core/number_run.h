// Skips long runs of msgpack numbers, such as the token ids of a BlockStored event, at several
// bytes a cycle. Where each number begins depends on the one before it; the vector version finds
// out for every place at once where a walk from there would lead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kv {

// A part of a run: what it takes in the message, and how many values that are.
struct NumberRun {
  size_t bytes = 0;
  uint64_t values = 0;
};

// Runs shorter than this are not worth the call.
inline constexpr uint64_t kLongRun = 48;

// Skips at most `values` values from the front of `bytes`, as many whole 32-byte steps as hold
// nothing but numbers, nil and booleans. May stop early, anywhere; nothing beyond `bytes` is read.
[[nodiscard]] NumberRun SkipNumbers(std::span<const uint8_t> bytes, uint64_t values) noexcept;

}  // namespace kv
