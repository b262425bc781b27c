// The tokens of a model by their bytes: which words are one token, with no merging needed.
//
// Thread safety: immutable after construction.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/word_key.h"

namespace kv {

inline constexpr uint32_t kNoToken = ~0u;

struct TokenBytes {
  std::span<const uint8_t> bytes;
  uint32_t id;
};

class Vocabulary {
 public:
  // `tokens` without doubles; the bytes are copied. REQUIRES: ids < 2^24, no token is empty.
  explicit Vocabulary(std::span<const TokenBytes> tokens);

  // Id of the token that is this word, kNoToken if none is.
  uint32_t FindShort(ShortWord word, uint32_t size, uint64_t hash) const {
    for (size_t i = hash & short_mask_;; i = (i + 1) & short_mask_) {
      const ShortSlot& slot = short_[i];
      if (slot.size_and_id == 0) return kNoToken;
      if (slot.word == word && slot.size_and_id >> 24 == size) return slot.size_and_id & 0xffffff;
    }
  }

  // REQUIRES: size > kShortWordMax.
  uint32_t FindLong(const uint8_t* word, uint32_t size) const;

 private:
  struct ShortSlot {
    ShortWord word;
    uint32_t size_and_id;  // size << 24 | id; 0 is an empty slot
  };
  struct LongSlot {
    uint32_t hash;
    uint32_t size;  // 0 is an empty slot
    uint32_t offset;
    uint32_t id;
  };

  void AddShort(const TokenBytes& token);
  void AddLong(const TokenBytes& token);

  std::unique_ptr<ShortSlot[]> short_;
  size_t short_mask_;
  std::unique_ptr<LongSlot[]> long_;
  size_t long_mask_;
  uint32_t long_size_max_ = 0;
  std::vector<uint8_t> long_bytes_;
};

}  // namespace kv
