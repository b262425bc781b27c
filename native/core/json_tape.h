// JSON text to a tape of 32-bit words from which values are built in one pass over them.
//
// A value is one word, kind in the low four bits and a size or value above, and what follows it:
//
//   word        0: null, 1: false, 2: true
//   integer     value below 2^28
//   number      bytes of the literal; next word: where it begins in the JSON text
//   known       place in KnownJsonTexts() (json_known_texts.h)
//   text        bytes; next word: where it begins. Four kinds: ASCII or not, in the JSON text as it
//               stands or, where that has escapes, in the buffer of unescaped texts
//   array       items; their values follow
//   integers    items; their values follow, one word each, up to 2^32 - 1
//   object      members; keys and values follow in turns
//
// Thread safety: pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kv {

enum class JsonKind : uint32_t {
  kWord = 0,
  kInteger = 1,
  kNumber = 2,
  kKnown = 3,
  kAscii = 4,
  kUtf8 = 5,
  kUnescapedAscii = 6,
  kUnescapedUtf8 = 7,
  kArray = 8,
  kIntegers = 9,
  kObject = 10,
};
inline constexpr uint32_t kJsonKindBits = 4;
// Sizes take what is left of a word.
inline constexpr size_t kMaxJsonBytes = (size_t{1} << (32 - kJsonKindBits)) - 1;
// Deeper than any tool schema, and far from the end of the stack.
inline constexpr uint32_t kMaxJsonDepth = 200;
// Unescaping writes this far beyond what it has to say.
inline constexpr size_t kUnescapeSlack = 16;

enum class JsonResult {
  kRead,
  // Not JSON, not UTF-8, or beyond the limits above.
  kRefused,
  // The tape needs more words.
  kNoRoom,
};

// Writes the tape of `text` and returns its words in `word_count`.
// REQUIRES: text.size() <= kMaxJsonBytes, unescaped.size() >= text.size() + kUnescapeSlack.
[[nodiscard]] JsonResult ReadJson(std::span<const uint8_t> text, std::span<uint32_t> tape,
                                  std::span<uint8_t> unescaped, size_t* word_count) noexcept;

}  // namespace kv
