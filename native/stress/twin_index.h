// The index and a naive one beside it: everything is done to both, and both are asked the same.
// Where the byte bound makes blocks go, the index may know less, never more.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "core/prefix_index.h"
#include "stress/stress_totals.h"
#include "test/check.h"
#include "test/naive_index.h"

namespace kv::stress {

inline constexpr TierCredits kCredits = {256, 192, 128, 64};

// In the order of endpoints.
inline std::vector<EndpointMatch> Matches(PrefixIndex& index, Matcher& matcher, uint32_t hint,
                                          std::span<const uint64_t> hashes) {
  const auto found = index.Match(matcher, hint, hashes);
  std::vector<EndpointMatch> sorted(found.begin(), found.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.endpoint < b.endpoint; });
  return sorted;
}

inline bool Same(const std::vector<EndpointMatch>& a, const std::vector<EndpointMatch>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.endpoint == y.endpoint && x.leading_blocks == y.leading_blocks && x.credit == y.credit;
  });
}

class TwinIndex {
 public:
  // `evicts`: max_bytes is too small for what is stored.
  TwinIndex(uint64_t max_bytes, bool evicts, Totals& totals)
      : evicts_(evicts),
        totals_(totals),
        index_({max_bytes, kCredits}),
        naive_(kCredits),
        hint_(index_.NewReaderHint()) {}

  PrefixIndex& index() { return index_; }

  void Store(uint32_t endpoint, Tier tier, std::span<const uint64_t> hashes,
             std::optional<uint64_t> parent) {
    const uint32_t stored = index_.Store(endpoint, tier, hashes, parent);
    const uint32_t all = naive_.Store(endpoint, tier, hashes);
    if (evicts_) {
      CHECK(stored <= all);
    } else {
      CHECK_EQUAL(stored, all);
    }
    totals_.blocks += hashes.size();
  }

  void Remove(uint32_t endpoint, Tier tier, std::span<const uint64_t> hashes) {
    const uint32_t removed = index_.Remove(endpoint, tier, hashes);
    const uint32_t known = naive_.Remove(endpoint, tier, hashes);
    if (evicts_) {
      CHECK(removed <= known);
    } else {
      CHECK_EQUAL(removed, known);
    }
    totals_.blocks += hashes.size();
  }

  void Clear(uint32_t endpoint, std::optional<Tier> tier) {
    index_.Clear(endpoint, tier);
    naive_.Clear(endpoint, tier);
    ++totals_.clears;
  }

  void Compare(std::span<const uint64_t> prompt) {
    const auto ours = Matches(index_, matcher_, hint_, prompt);
    const auto theirs = naive_.Match(prompt);
    ++totals_.comparisons;
    if (!evicts_) {
      CHECK(Same(ours, theirs));
      return;
    }
    for (const EndpointMatch& match : ours) {
      const auto known = std::find_if(theirs.begin(), theirs.end(), [&](const auto& other) {
        return other.endpoint == match.endpoint;
      });
      CHECK(known != theirs.end());
      CHECK(match.leading_blocks <= known->leading_blocks && match.credit <= known->credit);
    }
  }

  // All counts, when nothing is pending any more.
  void CompareCounts() {
    for (uint32_t e = 0; e < kMaxEndpoints; ++e) {
      for (uint32_t t = 0; t < kTiers; ++t) {
        const auto tier = static_cast<Tier>(t);
        const uint32_t ours = index_.BlocksOf(e, tier);
        const uint32_t theirs = naive_.BlocksOf(e, tier);
        CHECK(evicts_ ? ours <= theirs : ours == theirs);
      }
    }
    if (!evicts_) CHECK_EQUAL(index_.Stats().blocks, naive_.Blocks());
  }

  void StartWatch() { low_bytes_ = high_bytes_ = index_.Stats().bytes; }

  // Doublings and halvings of what the index takes. REQUIRES: StartWatch.
  void WatchSize() {
    const IndexStats stats = index_.Stats();
    CHECK(stats.bytes <= stats.max_bytes);
    if (stats.bytes > 2 * low_bytes_) {
      ++totals_.growths;
      low_bytes_ = high_bytes_ = stats.bytes;
    } else if (stats.bytes * 2 < high_bytes_) {
      ++totals_.shrinks;
      low_bytes_ = high_bytes_ = stats.bytes;
    }
    low_bytes_ = std::min(low_bytes_, stats.bytes);
    high_bytes_ = std::max(high_bytes_, stats.bytes);
  }

 private:
  const bool evicts_;
  Totals& totals_;
  PrefixIndex index_;
  test::NaiveIndex naive_;
  Matcher matcher_;
  const uint32_t hint_;
  uint64_t low_bytes_ = 0;
  uint64_t high_bytes_ = 0;
};

}  // namespace kv::stress
