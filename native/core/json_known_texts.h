// Keys and words that requests repeat, so that whoever builds values has them ready.
//
// Thread safety: all functions, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace kv {

[[nodiscard]] std::span<const std::string_view> KnownJsonTexts() noexcept;

// Place of a text in KnownJsonTexts(), or -1; texts of more than kShortWordMax bytes are not found.
// REQUIRES: size <= kShortWordMax, kShortWordMax readable bytes from `text` on.
[[nodiscard]] int FindKnownJsonText(const uint8_t* text, uint32_t size) noexcept;

}  // namespace kv
