// The byte-level alphabet: GPT-2's mapping between bytes and printable characters, in which the
// vocabularies of tokenizer.json are written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace kv {

class ByteAlphabet {
 public:
  ByteAlphabet() {
    // Printable Latin-1 characters stand for themselves, the others for U+0100 and on, in order.
    memset(bytes_, 0xff, sizeof bytes_);
    uint32_t next = 0x100;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const bool printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte != 0xad);
      bytes_[printable ? byte : next++] = static_cast<int16_t>(byte);
    }
  }

  // Writes the bytes that `name` stands for to `out`, which has room for name.size(), and returns
  // their number; 0 if a character is not of the alphabet, whose sequences have one or two bytes.
  size_t Decode(std::string_view name, uint8_t* out) const {
    size_t count = 0;
    for (size_t i = 0; i < name.size(); ++i) {
      uint32_t code = static_cast<uint8_t>(name[i]);
      if (code >= 0x80) {
        if (code >= 0xe0 || i + 1 == name.size()) return 0;
        code = (code & 0x1f) << 6 | (static_cast<uint8_t>(name[++i]) & 0x3fu);
      }
      if (code >= kCharacters || bytes_[code] < 0) return 0;
      out[count++] = static_cast<uint8_t>(bytes_[code]);
    }
    return count;
  }

 private:
  static constexpr uint32_t kCharacters = 0x144;
  int16_t bytes_[kCharacters];
};

inline const ByteAlphabet& SharedByteAlphabet() {
  static const ByteAlphabet alphabet;
  return alphabet;
}

}  // namespace kv
