#include "core/matcher.h"

#include <algorithm>

namespace kv {

Matcher::Matcher()
    : active_(std::make_unique<Active[]>(kMaxEndpoints)),
      marks_(std::make_unique<Mark[]>(kMaxEndpoints)),
      results_(std::make_unique<EndpointMatch[]>(kMaxEndpoints)) {}

std::span<const EndpointMatch> Matcher::Match(const GrowingTable& table, const HolderTable& holders,
                                              const TierCredits& credits,
                                              std::span<const uint64_t> block_hashes) {
  holders_ = &holders;
  credits_ = &credits;
  active_count_ = 0;
  has_bits_ = false;
  ended_ = kMaxEndpoints;
  if (++call_ == 0) {
    // After 2^32 calls an old mark could pass for one of this call.
    std::fill_n(marks_.get(), kMaxEndpoints, Mark{});
    call_ = 1;
  }

  const auto count = static_cast<uint32_t>(block_hashes.size());
  const GrowingTable::View view = table.Read();
  // Where the search for block i begins, at i modulo the ring's size.
  std::array<uint64_t, kRing> homes;
  const auto key_of = [&](uint32_t block) { return KeyOf(block_hashes[block]); };
  uint32_t prefetched = 0;
  HolderWord previous = kNobody;
  for (uint32_t block = 0; block < count;) {
    const uint32_t begin = block;
    const uint32_t end = std::min(count, begin + kChunk);
    std::array<HolderWord, kChunk> words;
    // Blocks that overflowed from their home bucket: what is loaded for them is not waited for.
    std::array<uint32_t, kChunk> deferred;
    uint32_t deferred_count = 0;
    bool held = true;
    for (; held && block < end; ++block) {
      // Slots are on their way long before they are needed, but not many of a request that may end
      // at its first block.
      const uint32_t target = std::min(count, block + std::min(kAhead, kFirstAhead + block));
      for (; prefetched < target; ++prefetched) {
        homes[prefetched % kRing] = GrowingTable::Prefetch(view, key_of(prefetched));
      }
      const HolderWord word = table.TryFind(view, key_of(block), homes[block % kRing]);
      words[block - begin] = word;
      if (word == kGoesOnWord) [[unlikely]]
        deferred[deferred_count++] = block;
      if (IsSet(word)) __builtin_prefetch(SetOf(word));
      held = word != kNobody;
    }
    for (uint32_t i = 0; i < deferred_count; ++i) {
      const uint32_t late = deferred[i];
      words[late - begin] = table.Find(view, key_of(late), homes[late % kRing]);
    }
    for (uint32_t i = begin; i < block; ++i) {
      if (words[i - begin] == previous) continue;
      previous = words[i - begin];
      i == 0 ? Begin(previous) : Continue(previous, i);
      if (active_count_ == 0) return {&results_[ended_], kMaxEndpoints - ended_};
    }
    if (!held || active_count_ == 0) break;
  }
  for (uint32_t i = 0; i < active_count_; ++i) End(active_[i], count);
  return {&results_[ended_], kMaxEndpoints - ended_};
}

void Matcher::Begin(HolderWord word) {
  ForEachHolder(word, [&](HolderNumber holder) {
    const HolderMeaning meaning = holders_->Meaning(holder);
    if (meaning == kDeadHolder) return;
    const uint32_t endpoint = EndpointOf(meaning);
    const uint16_t rate = (*credits_)[TierOf(meaning)];
    Mark& mark = marks_[endpoint];
    if (mark.call == call_) {
      Active& active = active_[mark.place];
      if (rate > active.rate) SetBest(active, holder, rate, 0);
      return;
    }
    mark.call = call_;
    mark.block = 0;
    mark.place = static_cast<uint16_t>(active_count_);
    active_[active_count_++] = {static_cast<uint16_t>(endpoint), holder, rate, 0, 0};
  });
}

void Matcher::Continue(HolderWord word, uint32_t block) {
  if (!IsSet(word) || SetOf(word)->word_count == 0) {
    KeepMarked(word, block);
  } else if (active_count_ <= kFewActive) {
    KeepContained(*SetOf(word), block);
  } else {
    CompareBits(*SetOf(word), block);
  }
}

// Few holders: mark the endpoints among them, then keep the marked ones.
void Matcher::KeepMarked(HolderWord word, uint32_t block) {
  ForEachHolder(word, [&](HolderNumber holder) {
    const HolderMeaning meaning = holders_->Meaning(holder);
    if (meaning == kDeadHolder) return;
    Mark& mark = marks_[EndpointOf(meaning)];
    if (mark.call != call_) return;
    const uint16_t rate = (*credits_)[TierOf(meaning)];
    if (mark.block == block && mark.rate >= rate) return;
    mark.block = block;
    mark.rate = rate;
    mark.holder = holder;
  });
  uint32_t kept = 0;
  for (uint32_t i = 0; i < active_count_; ++i) {
    Active active = active_[i];
    Mark& mark = marks_[active.endpoint];
    if (mark.block != block) {
      End(active, block);
      continue;
    }
    SetBest(active, mark.holder, mark.rate, block);
    mark.place = static_cast<uint16_t>(kept);
    active_[kept++] = active;
  }
  active_count_ = kept;
  has_bits_ = false;
}

// Many holders, few endpoints left: look each one up.
void Matcher::KeepContained(const HolderSet& set, uint32_t block) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < active_count_; ++i) {
    Active active = active_[i];
    if (!FindBest(set, active, block)) {
      End(active, block);
      continue;
    }
    marks_[active.endpoint].place = static_cast<uint16_t>(kept);
    active_[kept++] = active;
  }
  active_count_ = kept;
  has_bits_ = false;
}

// Many of both: only endpoints whose holder is missing, or has come in a better tier, are touched.
void Matcher::CompareBits(const HolderSet& set, uint32_t block) {
  if (!has_bits_) BuildBits();
  better_.ForEach<true>(set, [&](HolderNumber holder) {
    const HolderMeaning meaning = holders_->Meaning(holder);
    if (meaning == kDeadHolder) return;
    const uint32_t endpoint = EndpointOf(meaning);
    const uint16_t rate = (*credits_)[TierOf(meaning)];
    const uint32_t place = marks_[endpoint].place;
    Active& active = active_[place];
    // The endpoint may have ended, and another stands in its place.
    if (place >= active_count_ || active.endpoint != endpoint || active.rate >= rate) return;
    held_.Remove(active.holder);
    SetBest(active, holder, rate, block);
    held_.Add(holder);
    has_bits_ = false;
  });
  held_.ForEach<false>(set, [&](HolderNumber holder) {
    const uint32_t place = PlaceOf(holder);
    Active& active = active_[place];
    held_.Remove(holder);
    if (FindBest(set, active, block)) {
      has_bits_ = false;
      return;
    }
    End(active, block);
    active = active_[--active_count_];
    marks_[active.endpoint].place = static_cast<uint16_t>(place);
  });
}

void Matcher::BuildBits() {
  held_.Clear();
  better_.Clear();
  for (uint32_t i = 0; i < active_count_; ++i) {
    const Active& active = active_[i];
    held_.Add(active.holder);
    for (uint32_t tier = 0; tier < kTiers; ++tier) {
      if ((*credits_)[tier] <= active.rate) continue;
      const HolderNumber better =
          holders_->NumberOf(MeaningOf(active.endpoint, static_cast<Tier>(tier)));
      if (better != kNoHolder) better_.Add(better);
    }
  }
  has_bits_ = true;
}

// The endpoint's best tier in the set; false if it is in none.
bool Matcher::FindBest(const HolderSet& set, Active& active, uint32_t block) {
  HolderNumber best = kNoHolder;
  uint16_t rate = 0;
  for (uint32_t tier = 0; tier < kTiers; ++tier) {
    const HolderNumber holder =
        holders_->NumberOf(MeaningOf(active.endpoint, static_cast<Tier>(tier)));
    if (holder == kNoHolder || !set.Contains(holder)) continue;
    if (best != kNoHolder && (*credits_)[tier] <= rate) continue;
    best = holder;
    rate = (*credits_)[tier];
  }
  if (best == kNoHolder) return false;
  SetBest(active, best, rate, block);
  return true;
}

uint32_t Matcher::PlaceOf(HolderNumber holder) const {
  const HolderMeaning meaning = holders_->Meaning(holder);
  if (meaning != kDeadHolder) return marks_[EndpointOf(meaning)].place;
  // Cleared since the match began.
  uint32_t place = 0;
  while (active_[place].holder != holder) ++place;
  return place;
}

void Matcher::SetBest(Active& active, HolderNumber holder, uint16_t rate, uint32_t block) {
  active.holder = holder;
  if (rate == active.rate) return;
  active.credit += (block - active.since) * active.rate;
  active.since = block;
  active.rate = rate;
}

void Matcher::End(const Active& active, uint32_t block) {
  results_[--ended_] = {active.endpoint, block,
                        active.credit + (block - active.since) * active.rate};
}

}  // namespace kv
