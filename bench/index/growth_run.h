// The prefix index growing beside a reader.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "measure.h"
#include "native_index.h"
#include "prompts.h"

namespace kv::bench {

// How often the thread has gone to sleep by itself (for a lock, or for a page), and how often it
// had to ask the kernel for a page.
struct Disturbances {
  uint64_t waits;
  uint64_t faults;
};
inline Disturbances Disturbed() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return {static_cast<uint64_t>(usage.ru_nvcsw), static_cast<uint64_t>(usage.ru_minflt)};
}

// A reader in a thread of its own, matching prompts at random below `known`.
class GrowthReader {
 public:
  GrowthReader(NativeIndex& index, const Prompts& prompts, const std::atomic<uint64_t>& known)
      : index_(index), prompts_(prompts), known_(known), thread_([this] { Read(); }) {}
  void Stop(const std::string& name) {
    stop_.store(true);
    thread_.join();
    latencies_.Print(name,
                     Field("longest_cpu_us", longest_) +
                         Field("above_1ms", static_cast<double>(above_ms_)) +
                         Field("above_1ms_with_faults", static_cast<double>(faulting_ms_)) +
                         Field("matches", static_cast<double>(latencies_.microseconds.size())) +
                         Field("faults", static_cast<double>(faults_)) +
                         Field("waits", static_cast<double>(waits_)) +
                         Field("missed", static_cast<double>(missed_)));
  }

 private:
  void Read() {
    NativeIndex::Reader reader(index_);
    test::Random random(3);
    std::vector<uint64_t> hashes(kPromptBlocks);
    // Written to before it counts, so that no match is charged for its pages.
    latencies_.microseconds.assign(size_t{1} << 24, 0);
    latencies_.microseconds.clear();
    const Disturbances before = Disturbed();
    uint64_t faults = before.faults;
    while (!stop_.load(std::memory_order_relaxed)) {
      prompts_.Hashes(random.Below(known_.load(std::memory_order_acquire)), hashes.data());
      const double cpu = ThreadMicroseconds();
      const auto begin = Clock::now();
      const size_t found = reader.Match(hashes);
      const double latency = Nanoseconds(Clock::now() - begin) / 1000;
      const double used = ThreadMicroseconds() - cpu;
      const uint64_t faults_now = Disturbed().faults;
      longest_ = std::max(longest_, used);
      above_ms_ += used > 1000;
      faulting_ms_ += used > 1000 && faults_now > faults;
      faults = faults_now;
      missed_ += found == 0;
      if (latencies_.microseconds.size() < latencies_.microseconds.capacity()) {
        latencies_.microseconds.push_back(latency);
      }
    }
    const Disturbances after = Disturbed();
    waits_ = after.waits - before.waits;
    faults_ = after.faults - before.faults;
  }

  NativeIndex& index_;
  const Prompts& prompts_;
  const std::atomic<uint64_t>& known_;
  std::atomic<bool> stop_{false};
  Latencies latencies_;
  double longest_ = 0;
  uint64_t above_ms_ = 0;
  uint64_t faulting_ms_ = 0;
  uint64_t waits_ = 0;
  uint64_t faults_ = 0;
  uint64_t missed_ = 0;
  std::thread thread_;
};

// Grows from `from` to `to` blocks as fast as one thread can, while a reader matches; then the
// same reader for as long beside a thread that only counts: what the machine does by itself.
inline void MeasureGrowth(uint64_t from, uint64_t to) {
  NativeIndex index;
  const Prompts prompts(to / kPromptBlocks, 64);
  std::vector<uint64_t> buffer(kPromptBlocks);
  uint64_t next = 0;
  for (; next < from / kPromptBlocks; ++next) {
    index.Store(prompts.Endpoint(next, 0), prompts.Hashes(next, buffer.data()));
  }
  std::atomic<uint64_t> grown{next};
  const std::string name = "grow from " + std::to_string(from / 1'000'000) + "M to " +
                           std::to_string(to / 1'000'000) + "M blocks beside a reader: ";
  GrowthReader reader(index, prompts, grown);
  double longest_store = 0;
  uint64_t stores_above_ms = 0;
  const auto begin = Clock::now();
  for (; next < prompts.count(); ++next) {
    const auto hashes = prompts.Hashes(next, buffer.data());
    const double start = ThreadMicroseconds();
    index.Store(prompts.Endpoint(next, 0), hashes);
    const double used = ThreadMicroseconds() - start;
    longest_store = std::max(longest_store, used);
    stores_above_ms += used > 1000;
    grown.store(next + 1, std::memory_order_release);
  }
  const auto duration = Clock::now() - begin;
  reader.Stop(name + "match 128");
  const IndexStats stats = index.native().Stats();
  Print(name + "insert", Nanoseconds(duration) / static_cast<double>(to - from), "ns/block",
        Field("longest_call_cpu_us", longest_store) +
            Field("calls_above_1ms", static_cast<double>(stores_above_ms)));
  Print(name + "memory", static_cast<double>(stats.bytes) / static_cast<double>(stats.blocks),
        "bytes/block");
  GrowthReader control(index, prompts, grown);
  volatile uint64_t count = 0;
  for (const auto end = Clock::now() + duration; Clock::now() < end;) count = count + 1;
  control.Stop(std::to_string(to / 1'000'000) +
               "M blocks that stay, beside a thread that counts: match 128");
}

}  // namespace kv::bench
