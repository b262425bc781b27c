#include "stress/stress_round.h"

#include <algorithm>
#include <thread>

#include "test/check.h"

namespace kv::stress {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint32_t kStableEndpoint = 1000;
constexpr uint32_t kWideHolders = 150;
constexpr uint32_t kFloodEndpoint = 2000;
constexpr size_t kPrompts = 96;
constexpr size_t kStablePrompts = 12;
constexpr size_t kWidePrompts = 3;
constexpr size_t kBlocks = 96;
// The naive index takes its time.
constexpr size_t kCompared = 16;
constexpr uint64_t kFloodBlocks = 2000;
constexpr uint64_t kFirstFloods = 30;

// Which endpoints ever hold a block: anything else in a match is an error.
bool MayHold(uint64_t hash, uint32_t endpoint) { return ((hash >> (endpoint % 60)) & 3) != 0; }

// Endpoints that hold a prompt all the time.
uint32_t StableHolders(size_t prompt) {
  return prompt < kWidePrompts ? kWideHolders : prompt < kStablePrompts ? 3 : 0;
}

}  // namespace

StressRound::StressRound(uint64_t seed, bool evicts, Totals& totals)
    : random_(seed),
      evicts_(evicts),
      totals_(totals),
      prompts_(kPrompts),
      twin_(evicts ? 3 * kMiB / 2 : 512 * kMiB, evicts, totals),
      index_(twin_.index()),
      snapshot_(index_) {
  for (auto& prompt : prompts_) {
    prompt.resize(kBlocks);
    for (uint64_t& hash : prompt) hash = random_.Next();
  }
  for (size_t p = 0; p < kStablePrompts; ++p) {
    for (uint32_t e = 0; e < StableHolders(p); ++e) {
      Store(kStableEndpoint + e, Tier::kGpu, prompts_[p]);
    }
  }
  twin_.StartWatch();
}

void StressRound::Run(Clock::duration length) {
  std::vector<std::thread> threads;
  for (int r = 0; r < kReaders; ++r) {
    threads.emplace_back([this, seed = random_.Next()] { Read(seed); });
  }
  // Whatever the dice say, each round grows first, beyond its bound if that is small.
  for (uint64_t flood = 0; flood < kFirstFloods; ++flood) Flood();
  for (const auto end = Clock::now() + length; Clock::now() < end;) {
    Step();
    ++totals_.steps;
  }
  Clear(kFloodEndpoint, std::nullopt);
  while (index_.Maintain(4096)) twin_.WatchSize();
  twin_.WatchSize();
  stop_.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads) thread.join();
  Settle();
  totals_.matches += matches_.load();
  totals_.evicted += index_.Stats().refused_blocks;
  ++totals_.rounds;
}

// --- writer ---
void StressRound::Step() {
  const auto endpoint = static_cast<uint32_t>(random_.Below(kEndpoints));
  const auto tier = static_cast<Tier>(random_.Below(kTiers));
  const auto& prompt = prompts_[random_.Below(kPrompts)];
  std::vector<uint64_t> part;
  const size_t first = random_.Below(4) == 0 ? random_.Below(kBlocks) : 0;
  const size_t length = 1 + random_.Below(kBlocks - first);
  for (size_t i = first; i < first + length; ++i) {
    if (MayHold(prompt[i], endpoint)) part.push_back(prompt[i]);
  }
  const uint64_t kind = random_.Below(100);
  if (kind < 3) {
    Clear(endpoint, random_.Below(3) == 0 ? std::optional(tier) : std::nullopt);
  } else if (kind < 40) {
    twin_.Remove(endpoint, tier, part);
  } else if (kind < 90) {
    if (turns_[endpoint].load() % 2 == 0) turns_[endpoint].fetch_add(1);
    Store(endpoint, tier, part);
  } else if (kind < 94) {
    Flood();
  } else if (kind < 97) {
    static_cast<void>(index_.Maintain(1 + static_cast<uint32_t>(random_.Below(4000))));
  } else if (snapshot_.Advance()) {
    snapshot_.Compare(prompts_, kEndpoints);
    ++totals_.snapshots;
  }
  twin_.WatchSize();
  if (random_.Below(4) == 0) {
    const std::span<const uint64_t> asked(prompts_[random_.Below(kPrompts)]);
    const size_t begin = random_.Below(kBlocks);
    twin_.Compare(asked.subspan(begin, 1 + random_.Below(std::min(kCompared, kBlocks - begin))));
  }
}

void StressRound::Store(uint32_t endpoint, Tier tier, std::span<const uint64_t> hashes) {
  const std::optional<uint64_t> parent =
      random_.Below(2) == 0 ? std::optional(prompts_[0][random_.Below(kBlocks)]) : std::nullopt;
  twin_.Store(endpoint, tier, hashes, parent);
}

void StressRound::Clear(uint32_t endpoint, std::optional<Tier> tier) {
  twin_.Clear(endpoint, tier);
  if (!tier.has_value() && endpoint < kEndpoints && turns_[endpoint].load() % 2 == 1) {
    turns_[endpoint].fetch_add(1);
  }
}

// New blocks make the table grow; clearing their endpoint empties it again.
void StressRound::Flood() {
  if (index_.BlocksOf(kFloodEndpoint, Tier::kGpu) > flood_limit_) {
    Clear(kFloodEndpoint, std::nullopt);
    flood_limit_ = 1000 * (5 + random_.Below(150));
    return;
  }
  std::vector<uint64_t> fresh(kFloodBlocks);
  for (uint64_t& hash : fresh) hash = random_.Next();
  Store(kFloodEndpoint, Tier::kGpu, fresh);
  twin_.WatchSize();
}

// Everything at the end of a round, when nothing is pending any more.
void StressRound::Settle() {
  snapshot_.Cancel();
  while (index_.Maintain(4096)) {
  }
  for (const auto& prompt : prompts_) twin_.Compare(prompt);
  twin_.CompareCounts();
}

// --- readers ---
void StressRound::Read(uint64_t seed) {
  test::Random random(seed);
  Matcher matcher;
  const uint32_t hint = index_.NewReaderHint();
  uint64_t matches = 0;
  for (; !stop_.load(std::memory_order_relaxed); ++matches) {
    const size_t p = random.Below(kPrompts);
    std::array<uint32_t, kEndpoints> before;
    for (uint32_t e = 0; e < kEndpoints; ++e) before[e] = turns_[e].load();
    uint32_t stable = 0;
    for (const EndpointMatch& match : index_.Match(matcher, hint, prompts_[p])) {
      CHECK(match.leading_blocks > 0 && match.leading_blocks <= kBlocks);
      CHECK(match.credit <= match.leading_blocks * kCredits[0]);
      CHECK(match.credit >= match.leading_blocks * kCredits[kTiers - 1]);
      if (match.endpoint >= kStableEndpoint) {
        CHECK(match.endpoint < kStableEndpoint + StableHolders(p));
        CHECK(evicts_ || match.leading_blocks == kBlocks);
        ++stable;
        continue;
      }
      CHECK(match.endpoint < kEndpoints);
      for (uint32_t i = 0; i < match.leading_blocks; ++i) {
        CHECK(MayHold(prompts_[p][i], match.endpoint));
      }
      const uint32_t turn = before[match.endpoint];
      CHECK(turn % 2 == 1 || turns_[match.endpoint].load() != turn);
    }
    CHECK(evicts_ ? stable <= StableHolders(p) : stable == StableHolders(p));
  }
  matches_.fetch_add(matches);
}

}  // namespace kv::stress
