#include "core/holder_set_store.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace kv {
namespace {

// SplitMix64's finaliser: members' hashes are xored, so each must look random.
uint64_t HashOf(HolderNumber holder) {
  uint64_t x = (holder + 1) * uint64_t{0x9e3779b97f4a7c15};
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t HashOf(HolderWord word) {
  if (IsSet(word)) return SetOf(word)->hash;
  uint64_t hash = 0;
  for (; word != 0; word >>= 16) hash ^= HashOf(static_cast<HolderNumber>(word));
  return hash;
}

// REQUIRES: fewer than kInlineHolders holders, `holder` not among them.
HolderWord InlineWith(HolderWord word, HolderNumber holder) {
  int lane = 0;
  while (lane < kInlineHolders && static_cast<HolderNumber>(word >> (16 * lane)) != 0 &&
         static_cast<HolderNumber>(word >> (16 * lane)) < holder) {
    ++lane;
  }
  const uint64_t below = (uint64_t{1} << (16 * lane)) - 1;
  return (word & below) | uint64_t{holder} << (16 * lane) | (word & ~below) << 16;
}

HolderWord InlineWithout(HolderWord word, HolderNumber holder) {
  int lane = 0;
  while (static_cast<HolderNumber>(word >> (16 * lane)) != holder) ++lane;
  const uint64_t below = (uint64_t{1} << (16 * lane)) - 1;
  return (word & below) | (word >> 16 & ~below);
}

}  // namespace

std::optional<HolderWord> HolderSetStore::With(HolderWord word, HolderNumber holder) {
  const uint32_t count = CountHolders(word);
  if (count < kInlineHolders) return InlineWith(word, holder);
  draft_.hash = HashOf(word) ^ HashOf(holder);
  draft_.count = static_cast<uint16_t>(count + 1);
  if (IsSet(word) && SetOf(word)->word_count != 0) {
    CopyBits(*SetOf(word), holder);
    return Publish();
  }
  uint16_t* next = draft_.members();
  bool placed = false;
  ForEachHolder(word, [&](HolderNumber member) {
    if (!placed && member > holder) {
      *next++ = holder;
      placed = true;
    }
    *next++ = member;
  });
  if (!placed) *next = holder;
  DraftFromMembers();
  return Publish();
}

std::optional<HolderWord> HolderSetStore::Without(HolderWord word, HolderNumber holder) {
  if (!IsSet(word)) return InlineWithout(word, holder);
  const HolderSet& set = *SetOf(word);
  if (set.count == kInlineHolders + 1) {
    HolderWord rest = kNobody;
    int lane = 0;
    ForEachHolder(word, [&](HolderNumber member) {
      if (member != holder) rest |= uint64_t{member} << (16 * lane++);
    });
    return rest;
  }
  draft_.hash = set.hash ^ HashOf(holder);
  draft_.count = static_cast<uint16_t>(set.count - 1);
  if (set.word_count != 0) {
    CopyBits(set, holder);
    return Publish();
  }
  uint16_t* next = draft_.members();
  ForEachHolder(word, [&](HolderNumber member) {
    if (member != holder) *next++ = member;
  });
  DraftFromMembers();
  return Publish();
}

std::optional<HolderWord> HolderSetStore::Of(std::span<const HolderNumber> holders) {
  if (holders.size() <= kInlineHolders) {
    HolderWord word = kNobody;
    for (size_t lane = 0; lane < holders.size(); ++lane) {
      word |= uint64_t{holders[lane]} << (16 * lane);
    }
    return word;
  }
  draft_.hash = 0;
  for (const HolderNumber holder : holders) draft_.hash ^= HashOf(holder);
  draft_.count = static_cast<uint16_t>(holders.size());
  std::copy(holders.begin(), holders.end(), draft_.members());
  DraftFromMembers();
  return Publish();
}

// Copies a bit set, flips one member, and settles the form.
void HolderSetStore::CopyBits(const HolderSet& set, HolderNumber changed) {
  const auto changed_word = static_cast<uint16_t>(changed / 64);
  const uint32_t first = std::min(set.first_word, changed_word);
  const uint32_t last = std::max<uint32_t>(set.first_word + set.word_count - 1u, changed_word);
  draft_.first_word = static_cast<uint16_t>(first);
  draft_.word_count = static_cast<uint16_t>(last - first + 1);
  uint64_t* const words = draft_.body.data();
  std::fill_n(words, draft_.word_count, 0);
  std::copy_n(set.words(), set.word_count, words + (set.first_word - first));
  words[changed_word - first] ^= uint64_t{1} << (changed % 64);
  DraftFromWords();
}

// Members in order -> a list, or a bit set where that is smaller.
void HolderSetStore::DraftFromMembers() {
  const uint16_t* const members = draft_.members();
  const uint32_t first = members[0] / 64u;
  const uint32_t words = members[draft_.count - 1] / 64u - first + 1;
  draft_.first_word = 0;
  draft_.word_count = 0;
  if (draft_.count * 2u <= words * 8u) {
    // The unused end of the last word takes part in comparisons.
    std::fill_n(draft_.members() + draft_.count, (4 - draft_.count % 4) % 4, 0);
    return;
  }
  // Bits are written over the list from the front. Reading ahead of writing is safe: a word holds
  // at least as many bytes of members as of bits here only on average, so go through a copy.
  std::array<uint64_t, 1024> bits;
  std::fill_n(bits.data(), words, 0);
  for (uint32_t i = 0; i < draft_.count; ++i) {
    bits[members[i] / 64u - first] |= uint64_t{1} << (members[i] % 64);
  }
  std::copy_n(bits.data(), words, draft_.body.data());
  draft_.first_word = static_cast<uint16_t>(first);
  draft_.word_count = static_cast<uint16_t>(words);
}

// Bits -> without empty words at either end, or a list where that is no bigger.
void HolderSetStore::DraftFromWords() {
  uint64_t* const words = draft_.body.data();
  uint32_t begin = 0;
  uint32_t end = draft_.word_count;
  while (words[begin] == 0) ++begin;
  while (words[end - 1] == 0) --end;
  const uint32_t first = draft_.first_word + begin;
  if (draft_.count * 2u > (end - begin) * 8u) {
    if (begin > 0) std::copy(words + begin, words + end, words);
    draft_.first_word = static_cast<uint16_t>(first);
    draft_.word_count = static_cast<uint16_t>(end - begin);
    return;
  }
  std::array<uint16_t, 4096> members;
  uint32_t count = 0;
  for (uint32_t i = begin; i < end; ++i) {
    for (uint64_t bits = words[i]; bits != 0; bits &= bits - 1) {
      members[count++] = static_cast<uint16_t>((draft_.first_word + i) * 64u +
                                               static_cast<uint32_t>(std::countr_zero(bits)));
    }
  }
  std::copy_n(members.data(), count, draft_.members());
  DraftFromMembers();
}

std::optional<HolderWord> HolderSetStore::Publish() {
  const size_t body_bytes = draft_.body_bytes();
  HolderSet* set = sets_.Find(draft_.hash, [&](const HolderSet& known) {
    return known.count == draft_.count && known.first_word == draft_.first_word &&
           known.word_count == draft_.word_count &&
           std::memcmp(known.words(), draft_.body.data(), body_bytes) == 0;
  });
  if (set == nullptr) {
    void* const piece = pool_.Allocate(sizeof(HolderSet) + body_bytes);
    if (piece == nullptr) return std::nullopt;
    set = new (piece)
        HolderSet{draft_.hash, nullptr, 0, draft_.count, draft_.first_word, draft_.word_count, 0};
    std::memcpy(static_cast<void*>(set + 1), draft_.body.data(), body_bytes);
    sets_.Insert(set);
  }
  ++set->references;
  return WordOf(set);
}

void HolderSetStore::Drop(HolderWord word) {
  if (!IsSet(word)) return;
  HolderSet* const set = SetOf(word);
  if (--set->references > 0) return;
  sets_.Remove(set);
  retired_.push_back({set, epochs_.current()});
}

void HolderSetStore::Reclaim(uint64_t oldest) {
  while (!retired_.empty() && retired_.front().epoch < oldest) {
    HolderSet* const set = retired_.front().set;
    retired_.pop_front();
    const size_t body =
        set->word_count != 0 ? set->word_count * 8u : (set->count * 2u + 7u) / 8u * 8u;
    pool_.Free(set, sizeof(HolderSet) + body);
  }
}

}  // namespace kv
