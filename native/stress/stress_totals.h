// What a stress run has done so far.
#pragma once

#include <cstdint>
#include <cstdio>

namespace kv::stress {

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

  void Print(double seconds, int readers) const {
    const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf(
        "%.0f s: %llu rounds, %llu steps, %llu blocks stored or removed, %llu clears, "
        "%llu growths, %llu shrinks, %llu blocks given up, %llu snapshots, "
        "%llu comparisons with the naive index, %llu matches of %d readers\n",
        seconds, number(rounds), number(steps), number(blocks), number(clears), number(growths),
        number(shrinks), number(evicted), number(snapshots), number(comparisons), number(matches),
        readers);
    std::fflush(stdout);
  }
};

}  // namespace kv::stress
