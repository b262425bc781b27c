// Facts about the index in one thread, and random operations beside the naive index.
#include "core/prefix_index.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/block_depth.h"
#include "test/check.h"
#include "test/naive_index.h"
#include "test/random.h"

namespace kv {
namespace {

using test::NaiveIndex;
using test::Random;

constexpr TierCredits kCredits = {256, 192, 128, 64};
constexpr uint64_t kMiB = uint64_t{1} << 20;

std::vector<EndpointMatch> Matches(PrefixIndex& index, Matcher& matcher,
                                   std::span<const uint64_t> block_hashes) {
  const auto found = index.Match(matcher, 0, block_hashes);
  CHECK(std::is_sorted(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.leading_blocks > b.leading_blocks;
  }));
  std::vector<EndpointMatch> matches(found.begin(), found.end());
  std::sort(matches.begin(), matches.end(),
            [](const auto& a, const auto& b) { return a.endpoint < b.endpoint; });
  return matches;
}

void CheckSame(const std::vector<EndpointMatch>& real, const std::vector<EndpointMatch>& naive) {
  CHECK_EQUAL(real.size(), naive.size());
  for (size_t i = 0; i < real.size(); ++i) {
    CHECK_EQUAL(real[i].endpoint, naive[i].endpoint);
    CHECK_EQUAL(real[i].leading_blocks, naive[i].leading_blocks);
    CHECK_EQUAL(real[i].credit, naive[i].credit);
  }
}

// Prompts in a tree: each continues an earlier one from a random place.
std::vector<std::vector<uint64_t>> Prompts(Random& random, size_t count, size_t blocks) {
  std::vector<std::vector<uint64_t>> prompts;
  for (size_t i = 0; i < count; ++i) {
    std::vector<uint64_t> prompt;
    if (i > 0) {
      prompt = prompts[random.Below(i)];
      prompt.resize(random.Below(prompt.size() + 1));
    }
    const size_t wanted = 1 + random.Below(blocks);
    while (prompt.size() < wanted) prompt.push_back(random.Next());
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

struct Mix {
  uint32_t endpoints;
  uint32_t tiers;
  size_t prompts;
  size_t blocks;
  uint32_t steps;
  uint32_t clears_per_thousand;
};

void RunRandomOperations(uint64_t seed, const Mix& mix) {
  Random random(seed);
  PrefixIndex index({256 * kMiB, kCredits});
  NaiveIndex naive(kCredits);
  Matcher matcher;
  const auto prompts = Prompts(random, mix.prompts, mix.blocks);
  for (uint32_t step = 0; step < mix.steps / (test::kSanitized ? 4 : 1); ++step) {
    const auto endpoint =
        static_cast<uint32_t>(random.Below(mix.endpoints) * (kMaxEndpoints / mix.endpoints));
    const auto tier = static_cast<Tier>(random.Below(mix.tiers));
    const std::span<const uint64_t> prompt = prompts[random.Below(prompts.size())];
    // Mostly whole heads, as engines store them; sometimes a hole in the middle.
    const size_t from = random.Below(4) == 0 ? random.Below(prompt.size()) : 0;
    const auto part = prompt.subspan(from, random.Below(prompt.size() - from + 1));
    if (random.Below(1000) < mix.clears_per_thousand) {
      const auto which = random.Below(2) == 0 ? std::optional<Tier>(tier) : std::nullopt;
      index.Clear(endpoint, which);
      naive.Clear(endpoint, which);
    }
    switch (random.Below(5)) {
      case 0:
      case 1:
        CHECK_EQUAL(index.Store(endpoint, tier, part), naive.Store(endpoint, tier, part));
        break;
      case 2:
        CHECK_EQUAL(index.Remove(endpoint, tier, part), naive.Remove(endpoint, tier, part));
        break;
      case 3:
        CHECK_EQUAL(index.BlocksOf(endpoint, tier), naive.BlocksOf(endpoint, tier));
        break;
      default:
        CheckSame(Matches(index, matcher, prompt), naive.Match(prompt));
    }
  }
  while (index.Maintain(4096)) {
  }
  CHECK_EQUAL(index.Stats().blocks, naive.Blocks());
  CHECK_EQUAL(index.Stats().refused_blocks, 0);
}

TEST(few_endpoints_agree_with_the_naive_index) {
  RunRandomOperations(test::Seed(), {3, 4, 40, 60, 40'000, 2});
}

TEST(many_endpoints_agree_with_the_naive_index) {
  RunRandomOperations(test::Seed(), {512, 1, 12, 40, 6'000, 5});
}

TEST(every_endpoint_in_every_tier_agrees_with_the_naive_index) {
  RunRandomOperations(test::Seed(), {4096, 4, 4, 8, 6'000, 5});
}

TEST(many_endpoints_in_three_tiers_agree_with_the_naive_index) {
  RunRandomOperations(test::Seed(), {200, 3, 3, 24, 12'000, 3});
}

TEST(a_growing_index_agrees_with_the_naive_index) {
  RunRandomOperations(test::Seed(), {8, 2, 2000, 200, 8'000, 3});
}

TEST(constant_clearing_agrees_with_the_naive_index) {
  RunRandomOperations(test::Seed(), {16, 2, 200, 100, 10'000, 400});
}

TEST(a_depth_grows_along_a_chain_and_never_goes_back) {
  Random random(7);
  uint8_t depth = 0;
  for (uint32_t block = 1; block <= 100'000; ++block) {
    const uint8_t next = DepthAfter(depth, random.Next());
    CHECK(next >= depth && next <= depth + 1);
    depth = next;
    if (block <= 32) CHECK_EQUAL(depth, block);
  }
  // 32 + 16 x (2 + 4 + ... + 2^n) = 100,000 blocks at 32 + 16 n: n is about 11.6.
  CHECK(depth > 205 && depth < 230);
}

// Prompts of 64 blocks, one endpoint each time, into an index that has room for a part of them.
TEST(at_the_byte_bound_tails_go_before_heads_and_stale_before_fresh) {
  constexpr size_t kPrompts = 8000;
  constexpr size_t kBlocks = 64;
  PrefixIndex index({4 * kMiB, kCredits});
  Matcher matcher;
  Random random(test::Seed());
  std::vector<std::vector<uint64_t>> prompts(kPrompts);
  uint64_t recorded = 0;
  uint64_t bytes = 0;
  for (auto& prompt : prompts) {
    for (size_t i = 0; i < kBlocks; ++i) prompt.push_back(random.Next());
    recorded += index.Store(1, Tier::kGpu, prompt);
    bytes = std::max(bytes, index.Stats().bytes);
  }
  const IndexStats stats = index.Stats();
  CHECK(bytes <= stats.max_bytes);
  std::printf("  %llu blocks in %llu bytes\n", (unsigned long long)stats.blocks,
              (unsigned long long)stats.bytes);
  CHECK(stats.blocks > 100'000);
  CHECK_EQUAL(stats.blocks + stats.refused_blocks, kPrompts * kBlocks);
  CHECK_EQUAL(stats.blocks, index.BlocksOf(1, Tier::kGpu));
  CHECK(recorded > kPrompts * kBlocks * 99 / 100);

  const auto held = [&](size_t prompt, size_t block) {
    return !index.Match(matcher, 0, std::span(&prompts[prompt][block], 1)).empty();
  };
  const auto share = [&](size_t first, size_t end, size_t block) {
    uint64_t count = 0;
    for (size_t p = first; p < end; ++p) count += held(p, block);
    return 100 * count / (end - first);
  };
  std::printf(
      "  %% held, heads and tails: first prompts %llu %llu, middle %llu %llu, last %llu %llu\n",
      (unsigned long long)share(0, 500, 0), (unsigned long long)share(0, 500, 63),
      (unsigned long long)share(5000, 6500, 0), (unsigned long long)share(5000, 6500, 63),
      (unsigned long long)share(7500, 8000, 0), (unsigned long long)share(7500, 8000, 63));
  CHECK(share(0, 500, 0) <= 5);
  CHECK(share(7500, 8000, 0) >= 99 && share(7500, 8000, 63) >= 90);
  CHECK(share(4500, 6500, 0) >= share(4500, 6500, 63) + 20);
}

TEST(a_block_stored_again_outlives_those_that_were_not) {
  PrefixIndex index({2 * kMiB, kCredits});
  Matcher matcher;
  Random random(test::Seed());
  std::vector<uint64_t> again(64);
  for (uint64_t& hash : again) hash = random.Next();
  CHECK_EQUAL(index.Store(1, Tier::kGpu, again), again.size());
  std::vector<uint64_t> once(64);
  for (uint32_t i = 0; i < 10'000; ++i) {
    for (uint64_t& hash : once) hash = random.Next();
    index.Store(2, Tier::kGpu, once);
    // Other endpoints cache the same prompt from time to time.
    if (i % 50 == 0) CHECK_EQUAL(index.Store(3 + i / 50, Tier::kGpu, again), again.size());
  }
  const auto matches = Matches(index, matcher, again);
  CHECK_EQUAL(matches.size(), 201);
  for (const EndpointMatch& match : matches) CHECK_EQUAL(match.leading_blocks, again.size());
}

TEST(the_byte_bound_holds_when_every_block_has_its_own_set_of_holders) {
  PrefixIndex index({4 * kMiB, kCredits});
  Random random(test::Seed());
  std::vector<uint64_t> hashes(32);
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < 60'000; ++i) {
    for (uint64_t& hash : hashes) hash = random.Below(20'000);
    const auto endpoint = static_cast<uint32_t>(random.Below(kMaxEndpoints));
    index.Store(endpoint, static_cast<Tier>(random.Below(kTiers)), hashes);
    bytes = std::max(bytes, index.Stats().bytes);
  }
  const IndexStats stats = index.Stats();
  CHECK(bytes <= stats.max_bytes);
  CHECK(stats.refused_blocks > 0 && stats.blocks > 1000);
  for (uint32_t endpoint = 0; endpoint < kMaxEndpoints; ++endpoint) {
    index.Clear(endpoint, std::nullopt);
  }
  while (index.Maintain(4096)) {
  }
  CHECK_EQUAL(index.Stats().blocks, 0);
}

TEST(the_census_tells_how_many_hold_each_block) {
  PrefixIndex index({uint64_t{64} << 20, {256, 192, 128, 64}});
  std::vector<uint64_t> hashes(1000);
  Random random(test::Seed());
  for (uint64_t& hash : hashes) hash = random.Next();
  const std::span<const uint64_t> all(hashes);
  for (uint32_t endpoint = 0; endpoint < 5; ++endpoint) {
    index.Store(endpoint, Tier::kGpu, endpoint == 0 ? all : all.first(200));
  }
  // Whatever the table's size, enough calls see all of it.
  for (int call = 0; call < 200; ++call) index.Maintain(64);
  const IndexCensus::Counts counts = index.Census();
  uint64_t by_age = 0;
  for (size_t i = 0; i < IndexCensus::kAges; ++i) by_age += counts[i];
  const uint32_t* const sharings = &counts[IndexCensus::kAges];
  CHECK_EQUAL(sharings[0] + sharings[3], by_age);
  // One holder for 800, five for 200; the ring of samples may count some buckets twice.
  CHECK(sharings[3] > 0 && sharings[0] > 2 * sharings[3] && sharings[0] < 8 * sharings[3]);
}

TEST(a_block_is_as_old_as_the_end_of_the_period_in_which_it_was_stored) {
  Evictor evictor;
  evictor.Tick(1000);
  Usefulness block{evictor.stamp(), 0};
  evictor.Tick(1299);
  CHECK_EQUAL(evictor.AgeSeconds(block), 0);
  evictor.Tick(1300);
  CHECK_EQUAL(evictor.AgeSeconds(block), 0);
  evictor.Tick(1500);
  CHECK_EQUAL(evictor.AgeSeconds(block), 200);
  for (uint32_t second = 1600; second < 100'000; second += 300) {
    evictor.Tick(second);
    CHECK(evictor.AgeSeconds(block) <= second - 1300);
  }
  CHECK(evictor.AgeSeconds(block) > 30'000);
}

TEST(an_index_that_empties_gives_its_memory_back) {
  PrefixIndex index({256 * kMiB, kCredits});
  Random random(test::Seed());
  const uint64_t before = index.Stats().bytes;
  std::vector<uint64_t> hashes(500'000);
  for (uint64_t& hash : hashes) hash = random.Next();
  CHECK_EQUAL(index.Store(1, Tier::kGpu, hashes), hashes.size());
  CHECK(index.Stats().bytes > before + hashes.size() * 18);
  index.Clear(1, std::nullopt);
  while (index.Maintain(4096)) {
  }
  CHECK_EQUAL(index.Stats().blocks, 0);
  CHECK_EQUAL(index.Stats().bytes, before);
}

TEST(clearing_more_often_than_the_sweep_can_follow_refuses_stores_and_credits_nobody) {
  PrefixIndex index({64 * kMiB, kCredits});
  Matcher matcher;
  Random random(test::Seed());
  std::vector<uint64_t> hashes(200'000);
  for (uint64_t& hash : hashes) hash = random.Next();
  CHECK_EQUAL(index.Store(0, Tier::kGpu, hashes), hashes.size());
  uint64_t refused = 0;
  for (uint32_t i = 0; i < 300'000; ++i) {
    refused += 1 - index.Store(1, Tier::kGpu, std::span(hashes).subspan(i % 1000, 1));
    index.Clear(1, Tier::kGpu);
  }
  CHECK_EQUAL(index.Stats().refused_blocks, refused);
  CHECK_EQUAL(Matches(index, matcher, std::span(hashes).first(1)).size(), 1);
  while (index.Maintain(4096)) {
  }
  CHECK_EQUAL(index.Store(1, Tier::kGpu, std::span(hashes).first(3)), 3);
  const auto matches = Matches(index, matcher, std::span(hashes).first(4));
  CHECK_EQUAL(matches.size(), 2);
  CHECK_EQUAL(matches[0].leading_blocks, 4);
  CHECK_EQUAL(matches[1].leading_blocks, 3);
}

}  // namespace
}  // namespace kv
