#include "core/utf8.h"

#include <algorithm>
#include <cstring>

namespace kv {
namespace {

// Bytes of the well-formed sequence at `text`, or minus the bytes of the maximal ill-formed part.
// REQUIRES: size > 0.
int SequenceSize(const uint8_t* text, size_t size) {
  const uint8_t first = text[0];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return -1;
  const int wanted = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  // Overlong forms, surrogates and values above U+10FFFF show in the second byte.
  uint8_t low = 0x80;
  uint8_t high = 0xbf;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  for (int i = 1; i < wanted; ++i) {
    if (static_cast<size_t>(i) >= size || text[i] < low || text[i] > high) return -i;
    low = 0x80;
    high = 0xbf;
  }
  return wanted;
}

}  // namespace

size_t AsciiPrefix(const uint8_t* text, size_t size) noexcept {
  constexpr uint64_t kHighBits = 0x8080808080808080u;
  size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    uint64_t words[4];
    memcpy(words, text + i, sizeof words);
    if (((words[0] | words[1] | words[2] | words[3]) & kHighBits) != 0) break;
  }
  while (i < size && text[i] < 0x80) ++i;
  return i;
}

size_t ValidUtf8Prefix(const uint8_t* text, size_t size) noexcept {
  size_t i = 0;
  while (i < size) {
    if (text[i] < 0x80) {
      i += AsciiPrefix(text + i, size - i);
      continue;
    }
    const int length = SequenceSize(text + i, size - i);
    if (length < 0) return i;
    i += static_cast<size_t>(length);
  }
  return size;
}

void AppendRepairedUtf8(std::span<const uint8_t> text, std::vector<uint8_t>* repaired) {
  constexpr uint8_t kReplacement[] = {0xef, 0xbf, 0xbd};
  while (true) {
    const size_t valid = ValidUtf8Prefix(text.data(), text.size());
    repaired->insert(repaired->end(), text.begin(), text.begin() + static_cast<ptrdiff_t>(valid));
    text = text.subspan(valid);
    if (text.empty()) return;
    repaired->insert(repaired->end(), kReplacement, kReplacement + sizeof kReplacement);
    text = text.subspan(static_cast<size_t>(-SequenceSize(text.data(), text.size())));
  }
}

size_t Utf16ToUtf8(std::span<const char16_t> units, uint8_t* out) noexcept {
  constexpr size_t kBlock = 16;
  uint8_t* const begin = out;
  const size_t size = units.size();
  for (size_t i = 0; i < size;) {
    // Blocks of ASCII; compilers make vector instructions of both loops.
    while (size - i >= kBlock) {
      unsigned all = 0;
      for (size_t k = 0; k < kBlock; ++k) all |= units[i + k];
      if (all >= 0x80) break;
      for (size_t k = 0; k < kBlock; ++k) out[k] = static_cast<uint8_t>(units[i + k]);
      out += kBlock;
      i += kBlock;
    }
    for (const size_t end = std::min(size, i + kBlock); i < end; ++i) {
      uint32_t code = units[i];
      if (code >= 0xd800 && code < 0xe000) {
        const uint32_t next = i + 1 < size ? units[i + 1] : 0;
        const bool paired = code < 0xdc00 && next >= 0xdc00 && next < 0xe000;
        code = paired ? 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00) : 0xfffd;
        i += paired;
      }
      out += EncodeUtf8(code, out);
    }
  }
  return static_cast<size_t>(out - begin);
}

}  // namespace kv
