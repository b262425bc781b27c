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
  for (uint32_t step = 0; step < mix.steps; ++step) {
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

}  // namespace
}  // namespace kv
