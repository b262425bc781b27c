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
#include <algorithm>
#include <atomic>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/prefix_index.h"
#include "index/growth_run.h"
#include "index/measure.h"
#include "index/native_index.h"
#include "index/prompts.h"
#include "plain_index.h"
#include "published_shapes.h"
#include "test/random.h"

namespace kv::bench {
namespace {

using test::Random;

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
}  // namespace kv::bench

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  const int first = quick ? 2 : 1;
  return kv::bench::Run(quick, {argv + first, static_cast<size_t>(argc - first)});
}
