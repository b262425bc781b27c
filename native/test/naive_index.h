// The prefix index as one would write it without a thought for speed: oracle of its tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "core/prefix_index.h"

namespace kv::test {

class NaiveIndex {
 public:
  explicit NaiveIndex(const TierCredits& credits) : credits_(credits) {}

  uint32_t Store(uint32_t endpoint, Tier tier, std::span<const uint64_t> block_hashes) {
    for (const uint64_t hash : block_hashes) ++copies_[MeaningOf(endpoint, tier)][hash];
    return static_cast<uint32_t>(block_hashes.size());
  }

  uint32_t Remove(uint32_t endpoint, Tier tier, std::span<const uint64_t> block_hashes) {
    auto& copies = copies_[MeaningOf(endpoint, tier)];
    uint32_t known = 0;
    for (const uint64_t hash : block_hashes) {
      const auto entry = copies.find(hash);
      if (entry == copies.end()) continue;
      ++known;
      if (--entry->second == 0) copies.erase(entry);
    }
    return known;
  }

  void Clear(uint32_t endpoint, std::optional<Tier> tier) {
    for (uint32_t t = 0; t < kTiers; ++t) {
      const Tier each = static_cast<Tier>(t);
      if (!tier.has_value() || *tier == each) copies_.erase(MeaningOf(endpoint, each));
    }
  }

  // In the order of endpoints.
  std::vector<EndpointMatch> Match(std::span<const uint64_t> block_hashes) const {
    std::map<uint32_t, EndpointMatch> matches;
    for (const auto& [meaning, copies] : copies_) {
      matches.emplace(EndpointOf(meaning), EndpointMatch{EndpointOf(meaning), 0, 0});
    }
    std::vector<EndpointMatch> result;
    for (auto& [endpoint, match] : matches) {
      for (const uint64_t hash : block_hashes) {
        std::optional<uint16_t> best;
        for (uint32_t t = 0; t < kTiers; ++t) {
          if (!Holds(endpoint, static_cast<Tier>(t), hash)) continue;
          best = std::max(best.value_or(0), credits_[t]);
        }
        if (!best.has_value()) break;
        ++match.leading_blocks;
        match.credit += *best;
      }
      if (match.leading_blocks > 0) result.push_back(match);
    }
    return result;
  }

  bool Holds(uint32_t endpoint, Tier tier, uint64_t hash) const {
    const auto copies = copies_.find(MeaningOf(endpoint, tier));
    return copies != copies_.end() && copies->second.contains(hash);
  }

  uint32_t BlocksOf(uint32_t endpoint, Tier tier) const {
    const auto copies = copies_.find(MeaningOf(endpoint, tier));
    return copies == copies_.end() ? 0 : static_cast<uint32_t>(copies->second.size());
  }

  uint64_t Blocks() const {
    std::set<uint64_t> distinct;
    for (const auto& [meaning, copies] : copies_) {
      for (const auto& [hash, count] : copies) distinct.insert(hash);
    }
    return distinct.size();
  }

 private:
  const TierCredits credits_;
  std::map<HolderMeaning, std::map<uint64_t, uint32_t>> copies_;
};

}  // namespace kv::test
