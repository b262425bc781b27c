// UTF-8: decoding of text known to be valid, and the repair of text that may not be.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kv {

// Bytes that must be readable after every text handed to the tokenizer's inner stages, so that
// they can load whole words without asking where the text ends.
inline constexpr size_t kTextPadding = 64;

struct CodePoint {
  uint32_t value;
  uint32_t size;
};

// REQUIRES: `text` points at the first byte of a valid sequence.
inline CodePoint DecodeUtf8(const uint8_t* text) {
  const uint32_t first = text[0];
  if (first < 0x80) return {first, 1};
  if (first < 0xe0) return {(first & 0x1f) << 6 | (text[1] & 0x3fu), 2};
  if (first < 0xf0) {
    return {(first & 0x0f) << 12 | (text[1] & 0x3fu) << 6 | (text[2] & 0x3fu), 3};
  }
  return {
      (first & 0x07) << 18 | (text[1] & 0x3fu) << 12 | (text[2] & 0x3fu) << 6 | (text[3] & 0x3fu),
      4};
}

inline bool IsUtf8Continuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

// Writes 1 to 4 bytes and returns how many.
inline uint32_t EncodeUtf8(uint32_t code, uint8_t* out) {
  if (code < 0x80) {
    out[0] = static_cast<uint8_t>(code);
    return 1;
  }
  if (code < 0x800) {
    out[0] = static_cast<uint8_t>(0xc0 | code >> 6);
    out[1] = static_cast<uint8_t>(0x80 | (code & 0x3f));
    return 2;
  }
  if (code < 0x10000) {
    out[0] = static_cast<uint8_t>(0xe0 | code >> 12);
    out[1] = static_cast<uint8_t>(0x80 | (code >> 6 & 0x3f));
    out[2] = static_cast<uint8_t>(0x80 | (code & 0x3f));
    return 3;
  }
  out[0] = static_cast<uint8_t>(0xf0 | code >> 18);
  out[1] = static_cast<uint8_t>(0x80 | (code >> 12 & 0x3f));
  out[2] = static_cast<uint8_t>(0x80 | (code >> 6 & 0x3f));
  out[3] = static_cast<uint8_t>(0x80 | (code & 0x3f));
  return 4;
}

// Leading bytes that are ASCII.
size_t AsciiPrefix(const uint8_t* text, size_t size) noexcept;

// Leading bytes that are valid UTF-8 and end with a whole sequence.
size_t ValidUtf8Prefix(const uint8_t* text, size_t size) noexcept;

// Appends `text` with every maximal ill-formed part replaced by U+FFFD, as the WHATWG decoder and
// Rust's from_utf8_lossy do.
void AppendRepairedUtf8(std::span<const uint8_t> text, std::vector<uint8_t>* repaired);

// Writes `units` of UTF-16 as UTF-8 and returns the number of bytes, at most three a unit. Lone
// surrogates become U+FFFD.
size_t Utf16ToUtf8(std::span<const char16_t> units, uint8_t* out) noexcept;

}  // namespace kv
