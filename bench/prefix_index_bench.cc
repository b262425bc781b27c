// The prefix index and, as yardsticks, the plain way to write it (std::unordered_map under a
// std::shared_mutex) and the shapes of published routers. One JSON object a line.
//
// Prompts are chains of 128 random block hashes, each held by four endpoints. "Cold" matches take
// prompts at random from all, so that nearly every slot is a cache miss; "hot" ones repeat one.
// Latencies include one clock reading (about 25 ns). What makes them lie: other load on the
// machine. Where a single worst case counts, it is CPU time of the thread, so that the time in
// which the kernel runs somebody else is left out; whether the reader ever waited is counted apart.
//
//   prefix_index_bench [--quick] [PART]...     parts: 1M 10M 50M yardsticks shared growth; of sizes
//                                              only some numbers of endpoints: 64 256 1024 4096
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/prefix_index.h"
#include "plain_index.h"
#include "published_shapes.h"
#include "test/random.h"

namespace kv {
namespace {

using Clock = std::chrono::steady_clock;
using bench::LruOfLrus;
using bench::PlainIndex;
using bench::RadixTree;
using test::Random;

constexpr size_t kPromptBlocks = 128;
constexpr uint32_t kHolders = 4;

double Nanoseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::nano>(duration).count();
}

double ThreadMicroseconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// Prompt p of a run: its hashes are computed, so that 10^8 of them need no memory.
class Prompts {
 public:
  Prompts(uint64_t count, uint32_t endpoints) : count_(count), endpoints_(endpoints) {}

  [[nodiscard]] uint64_t count() const { return count_; }
  std::span<const uint64_t> Hashes(uint64_t prompt, uint64_t* buffer) const {
    Random random(prompt * 1'000'003);
    for (size_t i = 0; i < kPromptBlocks; ++i) buffer[i] = random.Next();
    return {buffer, kPromptBlocks};
  }
  [[nodiscard]] uint32_t Endpoint(uint64_t prompt, uint32_t holder) const {
    return static_cast<uint32_t>((prompt * 7 + holder * (endpoints_ / kHolders)) % endpoints_);
  }

 private:
  uint64_t count_;
  uint32_t endpoints_;
};

class NativeIndex {
 public:
  static constexpr const char* kName = "index";
  NativeIndex() : index_({uint64_t{16} << 30, {256, 192, 128, 64}}) {}

  class Reader {
   public:
    explicit Reader(NativeIndex& owner) : index_(owner.index_), hint_(index_.NewReaderHint()) {}
    size_t Match(std::span<const uint64_t> hashes) {
      return index_.Match(matcher_, hint_, hashes).size();
    }

   private:
    PrefixIndex& index_;
    Matcher matcher_;
    uint32_t hint_;
  };

  void Store(uint32_t endpoint, std::span<const uint64_t> hashes) {
    index_.Store(endpoint, Tier::kGpu, hashes);
  }
  void Remove(uint32_t endpoint, std::span<const uint64_t> hashes) {
    index_.Remove(endpoint, Tier::kGpu, hashes);
  }
  [[nodiscard]] PrefixIndex& native() { return index_; }

 private:
  PrefixIndex index_;
};

void Print(const std::string& name, double value, const char* unit, const std::string& more = "") {
  std::printf("{\"name\":\"%s\",\"value\":%.4g,\"unit\":\"%s\"%s}\n", name.c_str(), value, unit,
              more.c_str());
  std::fflush(stdout);
}

std::string Field(const char* name, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), ",\"%s\":%.4g", name, value);
  return text;
}

struct Latencies {
  std::vector<double> microseconds;

  double At(double share) {
    const auto at = static_cast<size_t>(share * static_cast<double>(microseconds.size() - 1));
    std::nth_element(microseconds.begin(), microseconds.begin() + static_cast<ptrdiff_t>(at),
                     microseconds.end());
    return microseconds[at];
  }
  void Print(const std::string& name, const std::string& more = "") {
    kv::Print(name, At(0.5), "us", Field("p50", At(0.5)) + Field("p99", At(0.99)) + more);
  }
};

template <typename Index>
Latencies MeasureMatches(Index& index, const Prompts& prompts, uint64_t distinct, size_t matches) {
  typename Index::Reader reader(index);
  Random random(42);
  std::vector<uint64_t> buffer(kPromptBlocks);
  Latencies latencies;
  for (size_t i = 0; i < matches; ++i) {
    const auto hashes = prompts.Hashes(random.Below(distinct), buffer.data());
    const auto begin = Clock::now();
    const size_t found = reader.Match(hashes);
    latencies.microseconds.push_back(Nanoseconds(Clock::now() - begin) / 1000);
    if (found > kMaxEndpoints) std::abort();
  }
  return latencies;
}

std::string Title(const char* index, uint64_t blocks, uint32_t endpoints) {
  std::string size = blocks % 1'000'000 == 0 ? std::to_string(blocks / 1'000'000) + "M"
                                             : std::to_string(blocks / 1000) + "k";
  return std::string(index) + ", " + size + " blocks, " + std::to_string(endpoints) +
         " endpoints: ";
}

// Everything about an index of `blocks` blocks.
template <typename Index>
void Measure(Index& index, uint64_t blocks, uint32_t endpoints, size_t matches) {
  const Prompts prompts(blocks / kPromptBlocks, endpoints);
  const std::string title = Title(Index::kName, blocks, endpoints);
  std::vector<uint64_t> buffer(kPromptBlocks);

  Clock::duration first{};
  Clock::duration further{};
  for (uint32_t holder = 0; holder < kHolders; ++holder) {
    for (uint64_t p = 0; p < prompts.count(); ++p) {
      const auto hashes = prompts.Hashes(p, buffer.data());
      const auto begin = Clock::now();
      index.Store(prompts.Endpoint(p, holder), hashes);
      (holder == 0 ? first : further) += Clock::now() - begin;
    }
  }
  const auto stored = static_cast<double>(prompts.count() * kPromptBlocks);
  Print(title + "insert", Nanoseconds(first) / stored, "ns/block");
  Print(title + "add a holder", Nanoseconds(further) / stored / (kHolders - 1), "ns/block");

  MeasureMatches(index, prompts, prompts.count(), matches).Print(title + "match 128, cold");
  MeasureMatches(index, prompts, 1, matches).Print(title + "match 128, hot");

  // Endpoints evict and store again, a prompt at a time, while a reader matches.
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> operations{0};
  const auto begin = Clock::now();
  std::thread writer([&] {
    Random random(7);
    std::vector<uint64_t> hashes(kPromptBlocks);
    uint64_t done = 0;
    while (!stop.load(std::memory_order_relaxed)) {
      const uint64_t p = random.Below(prompts.count());
      const auto holder = static_cast<uint32_t>(random.Below(kHolders));
      prompts.Hashes(p, hashes.data());
      index.Remove(prompts.Endpoint(p, holder), hashes);
      index.Store(prompts.Endpoint(p, holder), hashes);
      done += 2 * kPromptBlocks;
    }
    operations.store(done);
  });
  Latencies beside = MeasureMatches(index, prompts, prompts.count(), matches);
  stop.store(true);
  writer.join();
  const double seconds = Nanoseconds(Clock::now() - begin) / 1e9;
  beside.Print(title + "match 128, cold, beside a writer",
               Field("writer_blocks_per_s", static_cast<double>(operations.load()) / seconds));

  Clock::duration removing{};
  Clock::duration storing{};
  Random random(9);
  const size_t rounds = matches / 4;
  for (size_t i = 0; i < rounds; ++i) {
    const uint64_t p = random.Below(prompts.count());
    const auto hashes = prompts.Hashes(p, buffer.data());
    const auto start = Clock::now();
    index.Remove(prompts.Endpoint(p, 0), hashes);
    const auto middle = Clock::now();
    index.Store(prompts.Endpoint(p, 0), hashes);
    removing += middle - start;
    storing += Clock::now() - middle;
  }
  const double turned = static_cast<double>(rounds * kPromptBlocks);
  Print(title + "remove a holder, cold", Nanoseconds(removing) / turned, "ns/block");
  Print(title + "store it again", Nanoseconds(storing) / turned, "ns/block");
}

// All of one endpoint's blocks at once: the call, and the sweep in slices of the event thread.
void MeasureClear(PrefixIndex& index, const std::string& title) {
  const double begin = ThreadMicroseconds();
  index.Clear(1, std::nullopt);
  const double cleared = ThreadMicroseconds();
  double longest = 0;
  for (bool more = true; more;) {
    const double start = ThreadMicroseconds();
    more = index.Maintain(8192);
    longest = std::max(longest, ThreadMicroseconds() - start);
  }
  Print(title + "clear an endpoint", cleared - begin, "us",
        Field("sweep_ms", (ThreadMicroseconds() - cleared) / 1000) +
            Field("longest_slice_us", longest));
}

// A system prompt that every endpoint holds, with one endpoint dropping out at each block.
void MeasureShared(uint32_t endpoints, bool stepped) {
  NativeIndex index;
  const Prompts prompts(1, endpoints);
  std::vector<uint64_t> buffer(kPromptBlocks);
  const auto hashes = prompts.Hashes(0, buffer.data());
  for (uint32_t endpoint = 0; endpoint < endpoints; ++endpoint) {
    const size_t held = stepped ? 1 + endpoint % kPromptBlocks : kPromptBlocks;
    index.Store(endpoint, hashes.first(held));
  }
  const std::string name = std::to_string(endpoints) + " endpoints share 128 blocks" +
                           (stepped ? " to different depths" : "") + ": match";
  MeasureMatches(index, prompts, 1, 5000).Print(name);
}

// How often the thread has gone to sleep by itself (for a lock, or for a page), and how often it
// had to ask the kernel for a page.
struct Disturbances {
  uint64_t waits;
  uint64_t faults;
};
Disturbances Disturbed() {
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
    Random random(3);
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
void MeasureGrowth(uint64_t from, uint64_t to) {
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

void MeasureSize(uint64_t blocks, std::span<const uint32_t> endpoint_counts, size_t matches) {
  for (const uint32_t endpoints : endpoint_counts) {
    NativeIndex index;
    Measure(index, blocks, endpoints, matches);
    const std::string title = Title(NativeIndex::kName, blocks, endpoints);
    const IndexStats stats = index.native().Stats();
    Print(title + "memory", static_cast<double>(stats.bytes) / static_cast<double>(stats.blocks),
          "bytes/block", Field("holders_a_block", kHolders));
    MeasureClear(index.native(), title);
  }
}

template <typename Yardstick>
void MeasureYardstick(uint64_t blocks, size_t matches) {
  Yardstick index;
  Measure(index, blocks, 64, matches);
}

int Run(bool quick, std::span<char*> parts) {
  const size_t matches = quick ? 4000 : 20'000;
  const auto named = [&](const std::string& part) {
    return std::find(parts.begin(), parts.end(), part) != parts.end();
  };
  const auto wanted = [&](const char* part) { return parts.empty() || named(part); };
  std::vector<uint32_t> endpoint_counts = {64, 256, 1024, 4096};
  const auto is_named = [&](uint32_t count) { return named(std::to_string(count)); };
  if (std::any_of(endpoint_counts.begin(), endpoint_counts.end(), is_named)) {
    std::erase_if(endpoint_counts, [&](uint32_t count) { return !is_named(count); });
  }
  if (wanted("1M")) MeasureSize(1'024'000, endpoint_counts, matches);
  if (!quick && wanted("10M")) MeasureSize(10'240'000, endpoint_counts, matches);
  if (!quick && wanted("50M")) MeasureSize(51'200'000, endpoint_counts, matches);
  if (wanted("yardsticks")) {
    const uint64_t blocks = quick ? 1'024'000 : 10'240'000;
    MeasureYardstick<PlainIndex>(blocks, quick ? 1000 : 4000);
    MeasureYardstick<RadixTree>(blocks, quick ? 1000 : 4000);
    MeasureYardstick<LruOfLrus>(blocks, quick ? 1000 : 4000);
  }
  if (wanted("shared")) {
    for (const uint32_t endpoints : {64u, 1024u, 4096u}) {
      MeasureShared(endpoints, false);
      MeasureShared(endpoints, true);
    }
  }
  if (wanted("growth")) MeasureGrowth(1'024'000, quick ? 4'096'000 : 51'200'000);
  return 0;
}

}  // namespace
}  // namespace kv

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  const int first = quick ? 2 : 1;
  return kv::Run(quick, {argv + first, static_cast<size_t>(argc - first)});
}
