// The prefix index under random work for as long as one likes, in rounds of a few seconds. Run it
// under TSan: `npm run stress -- thread 600`.
//
//   native_stress [SECONDS] [SEED]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "stress/stress_round.h"
#include "stress/stress_totals.h"
#include "test/check.h"
#include "test/random.h"

namespace kv::stress {
namespace {

int Run(double seconds, uint64_t seed) {
  constexpr double kRoundSeconds = 5;
  constexpr uint64_t kRoundsPerLine = 12;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  Totals totals;
  test::Random random(seed);
  using Clock = StressRound::Clock;
  const auto begin = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  const double length = std::min(kRoundSeconds, seconds / 2);
  const auto duration =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(length));
  // One of each kind at least.
  while (totals.rounds < 2 || elapsed() + length / 2 < seconds) {
    std::make_unique<StressRound>(random.Next(), totals.rounds % 2 == 1, totals)->Run(duration);
    if (totals.rounds % kRoundsPerLine == 0) totals.Print(elapsed(), StressRound::kReaders);
  }
  totals.Print(elapsed(), StressRound::kReaders);
  CHECK(totals.growths > 0 && totals.shrinks > 0 && totals.evicted > 0 && totals.matches > 0);
  return 0;
}

}  // namespace
}  // namespace kv::stress

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 15;
  const uint64_t seed =
      argc > 2 ? std::strtoull(argv[2], nullptr, 10)
               : static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  if (!(seconds > 0)) {
    std::fprintf(stderr, "usage: native_stress [SECONDS] [SEED]\n");
    return 2;
  }
  return kv::stress::Run(seconds, seed);
}
