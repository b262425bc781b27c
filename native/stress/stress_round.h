// A few seconds of random work on one index: a writer that stores, removes, clears, grows, shrinks,
// evicts and takes snapshots, beside readers.
//
// Readers check what needs no second index: a hash says itself which endpoints ever hold it, what
// stays stored is never missed, and an endpoint that is cleared gets no credit until something is
// stored for it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include "stress/snapshot_trial.h"
#include "stress/stress_totals.h"
#include "stress/twin_index.h"
#include "test/random.h"

namespace kv::stress {

class StressRound {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kReaders = 2;

  // `evicts`: the byte bound is too small for what is stored.
  StressRound(uint64_t seed, bool evicts, Totals& totals);

  void Run(Clock::duration length);

 private:
  static constexpr uint32_t kEndpoints = 96;

  void Step();
  void Store(uint32_t endpoint, Tier tier, std::span<const uint64_t> hashes);
  void Clear(uint32_t endpoint, std::optional<Tier> tier);
  void Flood();
  void Settle();
  void Read(uint64_t seed);

  test::Random random_;
  const bool evicts_;
  Totals& totals_;
  std::vector<std::vector<uint64_t>> prompts_;
  TwinIndex twin_;
  PrefixIndex& index_;
  SnapshotTrial snapshot_;
  // Even: cleared and not stored to since; the number counts clears and stores.
  std::array<std::atomic<uint32_t>, kEndpoints> turns_{};
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> matches_{0};
  uint64_t flood_limit_ = 60'000;
};

}  // namespace kv::stress
