#include "core/vocabulary.h"

#include <algorithm>
#include <bit>

namespace kv {

Vocabulary::Vocabulary(std::span<const TokenBytes> tokens) {
  const auto shorts =
      static_cast<size_t>(std::count_if(tokens.begin(), tokens.end(), [](const TokenBytes& token) {
        return token.bytes.size() <= kShortWordMax;
      }));
  const size_t short_slots = std::bit_ceil(shorts * 2 + 1);
  const size_t long_slots = std::bit_ceil((tokens.size() - shorts) * 2 + 1);
  short_.reset(new ShortSlot[short_slots]());
  short_mask_ = short_slots - 1;
  long_.reset(new LongSlot[long_slots]());
  long_mask_ = long_slots - 1;
  for (const TokenBytes& token : tokens) {
    if (token.bytes.size() <= kShortWordMax) {
      AddShort(token);
    } else {
      AddLong(token);
    }
  }
}

void Vocabulary::AddShort(const TokenBytes& token) {
  const auto size = static_cast<uint32_t>(token.bytes.size());
  ShortWord word{0, 0};
  memcpy(&word, token.bytes.data(), size);
  size_t i = HashShortWord(word, size) & short_mask_;
  while (short_[i].size_and_id != 0) i = (i + 1) & short_mask_;
  short_[i] = {word, size << 24 | token.id};
}

void Vocabulary::AddLong(const TokenBytes& token) {
  const auto size = static_cast<uint32_t>(token.bytes.size());
  const auto hash = static_cast<uint32_t>(HashBytes(token.bytes.data(), size));
  size_t i = hash & long_mask_;
  while (long_[i].size != 0) i = (i + 1) & long_mask_;
  long_[i] = {hash, size, static_cast<uint32_t>(long_bytes_.size()), token.id};
  long_bytes_.insert(long_bytes_.end(), token.bytes.begin(), token.bytes.end());
  long_size_max_ = std::max(long_size_max_, size);
}

uint32_t Vocabulary::FindLong(const uint8_t* word, uint32_t size) const {
  if (size > long_size_max_) return kNoToken;
  const auto hash = static_cast<uint32_t>(HashBytes(word, size));
  for (size_t i = hash & long_mask_; long_[i].size != 0; i = (i + 1) & long_mask_) {
    const LongSlot& slot = long_[i];
    if (slot.hash == hash && slot.size == size &&
        memcmp(long_bytes_.data() + slot.offset, word, size) == 0) {
      return slot.id;
    }
  }
  return kNoToken;
}

}  // namespace kv
