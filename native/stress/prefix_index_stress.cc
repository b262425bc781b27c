// The prefix index under random work for as long as one likes: one writer that stores, removes,
// clears, grows, shrinks, evicts and takes snapshots, beside readers, in rounds of a few seconds.
//
// The writer does everything twice, to the index and to a naive one. Between its steps it asks both
// the same; where the byte bound makes blocks go, the index may know less, never more. Readers
// check what needs no second index: a hash says itself which endpoints ever hold it, what stays
// stored is never missed, and an endpoint that is cleared gets no credit until something is stored
// for it. Run it under TSan: `npm run stress -- thread 600`.
//
//   native_stress [SECONDS] [SEED]
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "core/prefix_index.h"
#include "test/check.h"
#include "test/naive_index.h"
#include "test/random.h"

namespace kv {
namespace {

using test::NaiveIndex;
using test::Random;
using Clock = std::chrono::steady_clock;

constexpr TierCredits kCredits = {256, 192, 128, 64};
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint32_t kEndpoints = 96;
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
constexpr int kReaders = 2;

struct Totals {
  uint64_t rounds = 0;
  uint64_t steps = 0;
  uint64_t blocks = 0;  // stored or removed
  uint64_t clears = 0;
  uint64_t evicted = 0;
  uint64_t growths = 0;
  uint64_t shrinks = 0;
  uint64_t snapshots = 0;
  uint64_t comparisons = 0;
  uint64_t matches = 0;  // of the readers
};

// Which endpoints ever hold a block: anything else in a match is an error.
bool MayHold(uint64_t hash, uint32_t endpoint) { return ((hash >> (endpoint % 60)) & 3) != 0; }

class Round {
 public:
  // `evicts`: the byte bound is too small for what is stored.
  Round(uint64_t seed, bool evicts, Totals& totals)
      : random_(seed),
        evicts_(evicts),
        totals_(totals),
        prompts_(kPrompts),
        index_({evicts ? 3 * kMiB / 2 : 512 * kMiB, kCredits}),
        naive_(kCredits),
        hint_(index_.NewReaderHint()) {
    for (auto& prompt : prompts_) {
      prompt.resize(kBlocks);
      for (uint64_t& hash : prompt) hash = random_.Next();
    }
    for (size_t p = 0; p < kStablePrompts; ++p) {
      for (uint32_t e = 0; e < StableHolders(p); ++e) {
        Store(kStableEndpoint + e, Tier::kGpu, prompts_[p]);
      }
    }
    low_bytes_ = high_bytes_ = index_.Stats().bytes;
  }

  void Run(Clock::duration length) {
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
    while (index_.Maintain(4096)) WatchSize();
    WatchSize();
    stop_.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads) thread.join();
    Settle();
    totals_.matches += matches_.load();
    totals_.evicted += index_.Stats().refused_blocks;
    ++totals_.rounds;
  }

 private:
  static uint32_t StableHolders(size_t prompt) {
    return prompt < kWidePrompts ? kWideHolders : prompt < kStablePrompts ? 3 : 0;
  }

  // --- writer ---
  void Step() {
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
      Remove(endpoint, tier, part);
    } else if (kind < 90) {
      if (turns_[endpoint].load() % 2 == 0) turns_[endpoint].fetch_add(1);
      Store(endpoint, tier, part);
    } else if (kind < 94) {
      Flood();
    } else if (kind < 97) {
      static_cast<void>(index_.Maintain(1 + static_cast<uint32_t>(random_.Below(4000))));
    } else {
      Snapshot();
    }
    WatchSize();
    if (random_.Below(4) == 0) {
      const std::span<const uint64_t> asked(prompts_[random_.Below(kPrompts)]);
      const size_t begin = random_.Below(kBlocks);
      Compare(asked.subspan(begin, 1 + random_.Below(std::min(kCompared, kBlocks - begin))));
    }
  }

  void Store(uint32_t endpoint, Tier tier, std::span<const uint64_t> hashes) {
    const std::optional<uint64_t> parent =
        random_.Below(2) == 0 ? std::optional(prompts_[0][random_.Below(kBlocks)]) : std::nullopt;
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
    if (!tier.has_value() && endpoint < kEndpoints && turns_[endpoint].load() % 2 == 1) {
      turns_[endpoint].fetch_add(1);
    }
    ++totals_.clears;
  }

  // New blocks make the table grow; clearing their endpoint empties it again.
  void Flood() {
    if (index_.BlocksOf(kFloodEndpoint, Tier::kGpu) > flood_limit_) {
      Clear(kFloodEndpoint, std::nullopt);
      flood_limit_ = 1000 * (5 + random_.Below(150));
      return;
    }
    std::vector<uint64_t> fresh(kFloodBlocks);
    for (uint64_t& hash : fresh) hash = random_.Next();
    Store(kFloodEndpoint, Tier::kGpu, fresh);
    WatchSize();
  }

  // A slice of a snapshot, and when it is complete, what another index has learned from it.
  void Snapshot() {
    if (!exporting_) {
      CHECK(index_.BeginExport());
      exporting_ = true;
      slices_.clear();
      return;
    }
    std::vector<uint8_t> slice;
    const PrefixIndex::ExportState state = index_.ExportSlice(slice);
    CHECK(state != PrefixIndex::ExportState::kFailed);
    if (state == PrefixIndex::ExportState::kLast) {
      index_.FinishExport(slice);
      exporting_ = false;
    }
    slices_.push_back(std::move(slice));
    if (exporting_) return;
    auto copy = std::make_unique<PrefixIndex>(IndexSettings{512 * kMiB, kCredits});
    std::vector<uint16_t> places(kMaxEndpoints);
    for (uint32_t e = 0; e < kMaxEndpoints; ++e) places[e] = static_cast<uint16_t>(e);
    copy->BeginImport(index_.Stats().blocks, places);
    for (const auto& part : slices_) CHECK(copy->ImportSlice(part) == nullptr);
    copy->EndImport();
    const uint32_t hint = copy->NewReaderHint();
    for (const auto& prompt : prompts_) {
      const auto theirs = Matches(*copy, hint, prompt);
      const auto ours = Matches(index_, hint_, prompt);
      CHECK(Same(theirs, ours));
    }
    for (uint32_t e = 0; e < kEndpoints; ++e) {
      for (uint32_t t = 0; t < kTiers; ++t) {
        const auto tier = static_cast<Tier>(t);
        CHECK_EQUAL(copy->BlocksOf(e, tier), index_.BlocksOf(e, tier));
      }
    }
    ++totals_.snapshots;
  }

  std::vector<EndpointMatch> Matches(PrefixIndex& index, uint32_t hint,
                                     std::span<const uint64_t> hashes) {
    const auto found = index.Match(matcher_, hint, hashes);
    std::vector<EndpointMatch> sorted(found.begin(), found.end());
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& a, const auto& b) { return a.endpoint < b.endpoint; });
    return sorted;
  }

  static bool Same(const std::vector<EndpointMatch>& a, const std::vector<EndpointMatch>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
      return x.endpoint == y.endpoint && x.leading_blocks == y.leading_blocks &&
             x.credit == y.credit;
    });
  }

  void Compare(std::span<const uint64_t> prompt) {
    const auto ours = Matches(index_, hint_, prompt);
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

  // Doublings and halvings of what the index takes.
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

  // Everything at the end of a round, when nothing is pending any more.
  void Settle() {
    if (exporting_) index_.CancelExport();
    while (index_.Maintain(4096)) {
    }
    for (const auto& prompt : prompts_) Compare(prompt);
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

  // --- readers ---
  void Read(uint64_t seed) {
    Random random(seed);
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

  Random random_;
  const bool evicts_;
  Totals& totals_;
  std::vector<std::vector<uint64_t>> prompts_;
  PrefixIndex index_;
  NaiveIndex naive_;
  Matcher matcher_;
  const uint32_t hint_;
  // Even: cleared and not stored to since; the number counts clears and stores.
  std::array<std::atomic<uint32_t>, kEndpoints> turns_{};
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> matches_{0};
  bool exporting_ = false;
  std::vector<std::vector<uint8_t>> slices_;
  uint64_t flood_limit_ = 60'000;
  uint64_t low_bytes_ = 0;
  uint64_t high_bytes_ = 0;
};

void Print(const Totals& totals, double seconds) {
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "%.0f s: %llu rounds, %llu steps, %llu blocks stored or removed, %llu clears, %llu growths, "
      "%llu shrinks, %llu blocks given up, %llu snapshots, %llu comparisons with the naive index, "
      "%llu matches of %d readers\n",
      seconds, number(totals.rounds), number(totals.steps), number(totals.blocks),
      number(totals.clears), number(totals.growths), number(totals.shrinks), number(totals.evicted),
      number(totals.snapshots), number(totals.comparisons), number(totals.matches), kReaders);
  std::fflush(stdout);
}

int Run(double seconds, uint64_t seed) {
  constexpr double kRoundSeconds = 5;
  constexpr uint64_t kRoundsPerLine = 12;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  Totals totals;
  Random random(seed);
  const auto begin = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  const double length = std::min(kRoundSeconds, seconds / 2);
  const auto duration =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(length));
  // One of each kind at least.
  while (totals.rounds < 2 || elapsed() + length / 2 < seconds) {
    std::make_unique<Round>(random.Next(), totals.rounds % 2 == 1, totals)->Run(duration);
    if (totals.rounds % kRoundsPerLine == 0) Print(totals, elapsed());
  }
  Print(totals, elapsed());
  CHECK(totals.growths > 0 && totals.shrinks > 0 && totals.evicted > 0 && totals.matches > 0);
  return 0;
}

}  // namespace
}  // namespace kv

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 15;
  const uint64_t seed =
      argc > 2 ? std::strtoull(argv[2], nullptr, 10)
               : static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  if (!(seconds > 0)) {
    std::fprintf(stderr, "usage: native_stress [SECONDS] [SEED]\n");
    return 2;
  }
  return kv::Run(seconds, seed);
}
