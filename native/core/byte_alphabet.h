// The byte-level alphabet: GPT-2's mapping between bytes and printable characters, in which the
// vocabularies of tokenizer.json are written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/utf8.h"

namespace kv {

class ByteAlphabet {
 public:
  ByteAlphabet() {
    // Printable Latin-1 characters stand for themselves, the others for U+0100 and on, in order.
    for (int16_t& byte : bytes_) byte = -1;
    uint32_t next = 0x100;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const bool printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte != 0xad);
      bytes_[printable ? byte : next++] = static_cast<int16_t>(byte);
    }
  }

  // Appends the bytes that `name` stands for; false if a character is not of the alphabet.
  // REQUIRES: valid UTF-8, readable for three bytes behind its end.
  bool Decode(std::string_view name, std::string* bytes) const {
    for (size_t i = 0; i < name.size();) {
      const CodePoint code = DecodeUtf8(reinterpret_cast<const uint8_t*>(name.data()) + i);
      if (code.value >= kCharacters || bytes_[code.value] < 0) return false;
      bytes->push_back(static_cast<char>(bytes_[code.value]));
      i += code.size;
    }
    return true;
  }

 private:
  static constexpr uint32_t kCharacters = 0x144;
  int16_t bytes_[kCharacters];
};

}  // namespace kv
