// Who holds one block, in one 64-bit word, so that a reader takes it in one load.
//
//   bits 63..48   bits 47..0
//   0..0xffef     up to four holder numbers of 16 bits, ascending from bit 0, zeros above; 0:
//   nobody 0xffff        address of a HolderSet: five holders or more 0xfffe        epoch in which
//   the slot's block was removed 0xfffd        nothing: the block moved to the successor of this
//   table
//
// A holder number stands for an endpoint's tier (holder_table.h). Equal words mean equal holders:
// numbers are kept in order, and sets are unique while they live.
#pragma once

#include <bit>
#include <cstdint>

namespace kv {

using HolderWord = uint64_t;
using HolderNumber = uint16_t;

inline constexpr HolderNumber kNoHolder = 0;
inline constexpr HolderNumber kLastHolder = 0xffef;
inline constexpr int kInlineHolders = 4;

inline constexpr HolderWord kNobody = 0;
inline constexpr HolderWord kMovedWord = uint64_t{0xfffd} << 48;
inline constexpr HolderWord kGoesOnWord = uint64_t{0xfffc} << 48;
inline constexpr uint64_t kSetTag = 0xffff;
inline constexpr uint64_t kDeadTag = 0xfffe;
inline constexpr uint64_t kLow48 = (uint64_t{1} << 48) - 1;

// Immutable once published, but for the fields marked as the writer's.
struct HolderSet {
  uint64_t hash;        // xor of the members' hashes; the writer's
  HolderSet* next;      // chain in the set store; the writer's
  uint32_t references;  // slots that point here; the writer's
  uint16_t count;
  uint16_t first_word;  // bit set: number of the first 64-bit word
  uint16_t word_count;  // 0: the members are listed in order, 16 bits each
  uint32_t clean_pass;  // last pass that found no dead member (prefix_index.h); the writer's

  // The members follow the header.
  [[nodiscard]] const uint16_t* members() const noexcept {
    return reinterpret_cast<const uint16_t*>(this + 1);
  }
  [[nodiscard]] const uint64_t* words() const noexcept {
    return reinterpret_cast<const uint64_t*>(this + 1);
  }
  [[nodiscard]] bool Contains(HolderNumber holder) const noexcept {
    if (word_count != 0) {
      const uint32_t word = holder / 64u - first_word;
      return word < word_count && ((words()[word] >> (holder % 64u)) & 1) != 0;
    }
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
      const uint32_t middle = (low + high) / 2;
      if (members()[middle] < holder) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < count && members()[low] == holder;
  }
};
static_assert(sizeof(HolderSet) == 32);

[[nodiscard]] inline bool IsSet(HolderWord word) noexcept { return word >> 48 == kSetTag; }
[[nodiscard]] inline HolderSet* SetOf(HolderWord word) noexcept {
  return reinterpret_cast<HolderSet*>(word & kLow48);
}
[[nodiscard]] inline HolderWord WordOf(const HolderSet* set) noexcept {
  return kSetTag << 48 | reinterpret_cast<uintptr_t>(set);
}

// Removed or moved.
[[nodiscard]] inline bool IsGone(HolderWord word) noexcept {
  return word >> 48 == kDeadTag || word >> 48 == kMovedWord >> 48;
}
[[nodiscard]] inline bool IsDead(HolderWord word) noexcept { return word >> 48 == kDeadTag; }
[[nodiscard]] inline HolderWord DeadWord(uint64_t epoch) noexcept { return kDeadTag << 48 | epoch; }
[[nodiscard]] inline uint64_t DeathOf(HolderWord word) noexcept { return word & kLow48; }

[[nodiscard]] inline uint32_t CountHolders(HolderWord word) noexcept {
  if (IsSet(word)) return SetOf(word)->count;
  return (64 - static_cast<uint32_t>(std::countl_zero(word)) + 15) / 16;
}

template <typename Visit>
void ForEachHolder(HolderWord word, Visit&& visit) {
  if (!IsSet(word)) {
    for (; word != 0; word >>= 16) visit(static_cast<HolderNumber>(word));
    return;
  }
  const HolderSet& set = *SetOf(word);
  if (set.word_count == 0) {
    for (uint32_t i = 0; i < set.count; ++i) visit(set.members()[i]);
    return;
  }
  for (uint32_t i = 0; i < set.word_count; ++i) {
    for (uint64_t bits = set.words()[i]; bits != 0; bits &= bits - 1) {
      visit(static_cast<HolderNumber>((set.first_word + i) * 64u +
                                      static_cast<uint32_t>(std::countr_zero(bits))));
    }
  }
}

[[nodiscard]] inline bool HasHolder(HolderWord word, HolderNumber holder) noexcept {
  if (IsSet(word)) return SetOf(word)->Contains(holder);
  for (; word != 0; word >>= 16) {
    if (static_cast<HolderNumber>(word) == holder) return true;
  }
  return false;
}

}  // namespace kv
