// Unicode normal form C, equal to the normaliser of the Hugging Face library.
//
// Thread safety: a Normalizer is immutable once built; the first caller of SharedNfc() builds it.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/buffer.h"

namespace kv {

class Nfc {
 public:
  Nfc();

  // Whether `text` is certainly in normal form. False may mean "perhaps not".
  // REQUIRES: valid UTF-8, here and below.
  bool IsStable(const uint8_t* text, size_t size) const;

  // Appends the normal form of `text`.
  void Append(const uint8_t* text, size_t size, Buffer<uint8_t>* out) const;

 private:
  struct Item {
    uint32_t code;
    uint8_t combining;
  };
  // The parts of one code point; no decomposition is longer.
  static constexpr uint32_t kMaxParts = 4;
  struct Parts {
    uint32_t codes[kMaxParts];
    uint32_t count;
  };

  void Decompose(uint32_t code, std::vector<Item>* items) const;
  // The composite of two code points, 0 if there is none.
  uint32_t Compose(uint32_t first, uint32_t second) const;
  void NormalizeSpan(const uint8_t* text, size_t size, std::vector<Item>* items,
                     Buffer<uint8_t>* out) const;

  std::unordered_map<uint32_t, Parts> decompositions_;
  std::unordered_map<uint64_t, uint32_t> compositions_;
};

const Nfc& SharedNfc();

}  // namespace kv
