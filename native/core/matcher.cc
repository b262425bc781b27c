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
  ended_ = kMaxEndpoints;
  if (++call_ == 0) {
    // After 2^32 calls an old mark could pass for one of this call.
    std::fill_n(marks_.get(), kMaxEndpoints, Mark{});
    call_ = 1;
  }

  const auto count = static_cast<uint32_t>(block_hashes.size());
  GrowingTable::View view = table.Read();
  std::array<HolderWord, kChunk> words;
  HolderWord previous = kNobody;
  uint32_t block = 0;
  // Many requests end at their first blocks, so the first chunk is short.
  uint32_t chunk_end = std::min<uint32_t>(count, 4);
  uint32_t prefetched = 0;
  while (block < count) {
    // The slots of the next chunk are on their way while this chunk is looked up.
    const uint32_t prefetch_end = std::min(count, block == 0 ? chunk_end : chunk_end + kChunk);
    for (; prefetched < prefetch_end; ++prefetched) {
      GrowingTable::Prefetch(view, KeyOf(block_hashes[prefetched]));
    }
    const uint32_t found = chunk_end - block;
    for (uint32_t i = 0; i < found; ++i) {
      words[i] = table.Find(view, KeyOf(block_hashes[block + i]));
      if (IsSet(words[i])) __builtin_prefetch(SetOf(words[i]));
      if (words[i] == kNobody) break;
    }
    for (uint32_t i = 0; i < found; ++i, ++block) {
      if (words[i] != previous) {
        if (block == 0) {
          Begin(words[0]);
        } else {
          Continue(words[i], block);
        }
        previous = words[i];
      }
      if (active_count_ == 0) return {&results_[ended_], kMaxEndpoints - ended_};
    }
    chunk_end = std::min(count, block + kChunk);
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
      active.rate = std::max(active.rate, rate);
      return;
    }
    mark.call = call_;
    mark.block = 0;
    mark.place = static_cast<uint16_t>(active_count_);
    active_[active_count_++] = {static_cast<uint16_t>(endpoint), rate, 0, 0};
  });
}

void Matcher::Continue(HolderWord word, uint32_t block) {
  if (IsSet(word) && SetOf(word)->word_count != 0) {
    ContinueWide(*SetOf(word), block);
  } else {
    ContinueFew(word, block);
  }
}

// Few holders: mark the endpoints among them, then keep the marked ones.
void Matcher::ContinueFew(HolderWord word, uint32_t block) {
  ForEachHolder(word, [&](HolderNumber holder) {
    const HolderMeaning meaning = holders_->Meaning(holder);
    if (meaning == kDeadHolder) return;
    Mark& mark = marks_[EndpointOf(meaning)];
    if (mark.call != call_) return;
    const uint16_t rate = (*credits_)[TierOf(meaning)];
    mark.rate = mark.block == block ? std::max(mark.rate, rate) : rate;
    mark.block = block;
  });
  uint32_t kept = 0;
  for (uint32_t i = 0; i < active_count_; ++i) {
    Active active = active_[i];
    const Mark& mark = marks_[active.endpoint];
    if (mark.block != block) {
      End(active, block);
      continue;
    }
    if (mark.rate != active.rate) SetRate(active, mark.rate, block);
    active_[kept++] = active;
  }
  active_count_ = kept;
}

// Many holders: ask for each endpoint's numbers.
void Matcher::ContinueWide(const HolderSet& set, uint32_t block) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < active_count_; ++i) {
    Active active = active_[i];
    uint16_t rate = 0;
    bool held = false;
    for (uint32_t tier = 0; tier < kTiers; ++tier) {
      const HolderNumber holder =
          holders_->NumberOf(MeaningOf(active.endpoint, static_cast<Tier>(tier)));
      if (holder == kNoHolder || !set.Contains(holder)) continue;
      held = true;
      rate = std::max(rate, (*credits_)[tier]);
    }
    if (!held) {
      End(active, block);
      continue;
    }
    if (rate != active.rate) SetRate(active, rate, block);
    active_[kept++] = active;
  }
  active_count_ = kept;
}

void Matcher::SetRate(Active& active, uint16_t rate, uint32_t block) {
  active.credit += (block - active.since) * active.rate;
  active.since = block;
  active.rate = rate;
}

void Matcher::End(const Active& active, uint32_t block) {
  results_[--ended_] = {active.endpoint, block,
                        active.credit + (block - active.since) * active.rate};
}

}  // namespace kv
