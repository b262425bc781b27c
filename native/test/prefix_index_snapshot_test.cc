// A snapshot that is written while the index changes is the index as it was at the end.
#include <algorithm>
#include <vector>

#include "core/prefix_index.h"
#include "test/check.h"
#include "test/random.h"

namespace kv {
namespace {

using test::Random;
using Slices = std::vector<std::vector<uint8_t>>;

constexpr IndexSettings kSettings{uint64_t{256} << 20, {256, 192, 128, 64}};
constexpr uint32_t kEndpoints = 40;
constexpr size_t kBlocks = test::kSanitized ? 30'000 : 60'000;

std::vector<uint64_t> RandomHashes(Random& random, size_t count) {
  std::vector<uint64_t> hashes(count);
  for (uint64_t& hash : hashes) hash = random.Next();
  return hashes;
}

// Who endpoint e is in the index that takes the snapshot in.
uint16_t Place(uint32_t endpoint) { return static_cast<uint16_t>(kEndpoints - 1 - endpoint); }

std::vector<uint16_t> Places() {
  std::vector<uint16_t> places;
  for (uint32_t endpoint = 0; endpoint < kEndpoints; ++endpoint) places.push_back(Place(endpoint));
  return places;
}

// A run of blocks stored or removed, or a clear.
void Change(PrefixIndex& index, Random& random, const std::vector<uint64_t>& hashes) {
  const auto endpoint = static_cast<uint32_t>(random.Below(kEndpoints));
  const auto tier = static_cast<Tier>(random.Below(3));
  const size_t length = 1 + random.Below(64);
  const auto run =
      std::span<const uint64_t>(hashes).subspan(random.Below(hashes.size() - length), length);
  const uint64_t kind = random.Below(100);
  if (kind < 60) {
    index.Store(endpoint, tier, run);
  } else if (kind < 99) {
    index.Remove(endpoint, tier, run);
  } else if (random.Below(4) == 0) {
    index.Clear(endpoint, tier);
  }
}

// Writes the index down, with `between` called between any two slices.
template <typename Between>
Slices Write(PrefixIndex& index, Between&& between) {
  Slices slices;
  CHECK(index.BeginExport());
  for (auto state = PrefixIndex::ExportState::kMore; state == PrefixIndex::ExportState::kMore;) {
    between();
    state = index.ExportSlice(slices.emplace_back());
    CHECK(state != PrefixIndex::ExportState::kFailed);
  }
  between();
  index.FinishExport(slices.emplace_back());
  return slices;
}

void TakeIn(PrefixIndex& index, const Slices& slices, uint64_t blocks) {
  index.BeginImport(blocks, Places());
  for (const auto& slice : slices) {
    const char* const fault = index.ImportSlice(slice);
    if (fault != nullptr) std::printf("%s\n", fault);
    CHECK(fault == nullptr);
  }
  index.EndImport();
}

void CheckEqual(PrefixIndex& original, PrefixIndex& copy, const std::vector<uint64_t>& hashes) {
  Matcher matcher;
  Matcher copy_matcher;
  const auto byEndpoint = [](const EndpointMatch& a, const EndpointMatch& b) {
    return a.endpoint < b.endpoint;
  };
  for (const uint64_t& hash : hashes) {
    const auto found = original.Match(matcher, 0, {&hash, 1});
    std::vector<EndpointMatch> expected(found.begin(), found.end());
    for (EndpointMatch& match : expected) match.endpoint = Place(match.endpoint);
    const auto copied = copy.Match(copy_matcher, 0, {&hash, 1});
    std::vector<EndpointMatch> actual(copied.begin(), copied.end());
    std::sort(expected.begin(), expected.end(), byEndpoint);
    std::sort(actual.begin(), actual.end(), byEndpoint);
    CHECK_EQUAL(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      CHECK_EQUAL(actual[i].endpoint, expected[i].endpoint);
      CHECK_EQUAL(actual[i].credit, expected[i].credit);
    }
  }
  for (uint32_t endpoint = 0; endpoint < kEndpoints; ++endpoint) {
    for (uint32_t tier = 0; tier < 3; ++tier) {
      CHECK_EQUAL(copy.BlocksOf(Place(endpoint), static_cast<Tier>(tier)),
                  original.BlocksOf(endpoint, static_cast<Tier>(tier)));
    }
  }
}

TEST(a_snapshot_is_the_index_at_its_end_whatever_changes_meanwhile) {
  Random random(test::Seed());
  const auto hashes = RandomHashes(random, kBlocks);
  PrefixIndex index(kSettings);
  for (int i = 0; i < 6000; ++i) Change(index, random, hashes);
  const Slices slices = Write(index, [&] {
    for (int i = 0; i < 150; ++i) Change(index, random, hashes);
  });
  std::printf("  %zu slices\n", slices.size());
  CHECK(slices.size() > 4);
  PrefixIndex copy(kSettings);
  TakeIn(copy, slices, index.Stats().blocks);
  while (index.Maintain(1024) || copy.Maintain(1024)) {
  }
  CheckEqual(index, copy, hashes);
  // As many copies too: what takes them all back leaves nothing on either side.
  for (uint32_t endpoint = 0; endpoint < kEndpoints; ++endpoint) {
    index.Remove(endpoint, Tier::kGpu, hashes);
    copy.Remove(Place(endpoint), Tier::kGpu, hashes);
  }
  CheckEqual(index, copy, hashes);
}

TEST(a_snapshot_begun_in_a_small_table_and_ended_in_a_big_one_has_every_block_once) {
  Random random(test::Seed());
  const auto hashes = RandomHashes(random, kBlocks);
  PrefixIndex index(kSettings);
  index.Store(1, Tier::kGpu, std::span(hashes).first(kBlocks / 8));
  size_t next = kBlocks / 8;
  const Slices slices = Write(index, [&] {
    const size_t more = std::min<size_t>(2000, kBlocks - next);
    index.Store(2, Tier::kGpu, std::span(hashes).subspan(next, more));
    next += more;
  });
  PrefixIndex copy(kSettings);
  TakeIn(copy, slices, 0);
  CheckEqual(index, copy, hashes);
  CHECK_EQUAL(copy.Stats().blocks, index.Stats().blocks);
}

TEST(a_wide_set_of_holders_survives_a_snapshot) {
  Random random(test::Seed());
  const auto hashes = RandomHashes(random, 300);
  PrefixIndex index(kSettings);
  for (uint32_t endpoint = 0; endpoint < kEndpoints; ++endpoint) {
    index.Store(endpoint, Tier::kGpu, std::span(hashes).first(1 + endpoint * 7));
  }
  PrefixIndex copy(kSettings);
  TakeIn(copy, Write(index, [] {}), 300);
  CheckEqual(index, copy, hashes);
}

TEST(the_end_of_a_number_does_not_end_the_one_that_followed_it) {
  PrefixIndex index(kSettings);
  const std::vector<uint64_t> hashes = {11, 22, 33};
  const auto store = [&](size_t i) { index.Store(3, Tier::kGpu, std::span(hashes).subspan(i, 1)); };
  Slices slices;
  const auto slice = [&] {
    CHECK(index.ExportSlice(slices.emplace_back()) == PrefixIndex::ExportState::kLast);
  };
  store(0);
  CHECK(index.BeginExport());
  slice();
  // In the copy the first number has no block when the second one comes, but it is alive here.
  index.Remove(3, Tier::kGpu, std::span(hashes).first(1));
  slice();
  store(1);
  index.Clear(3, Tier::kGpu);
  store(2);
  index.FinishExport(slices.emplace_back());
  PrefixIndex copy(kSettings);
  TakeIn(copy, slices, 3);
  CheckEqual(index, copy, hashes);
  CHECK_EQUAL(copy.BlocksOf(Place(3), Tier::kGpu), 1);
}

TEST(an_endpoint_that_is_nobody_here_brings_nothing) {
  Random random(test::Seed());
  const auto hashes = RandomHashes(random, 100);
  PrefixIndex index(kSettings);
  index.Store(3, Tier::kGpu, hashes);
  const Slices slices = Write(index, [] {});
  PrefixIndex copy(kSettings);
  copy.BeginImport(100, {});
  for (const auto& slice : slices) CHECK(copy.ImportSlice(slice) == nullptr);
  copy.EndImport();
  CHECK_EQUAL(copy.Stats().blocks, 0);
}

TEST(a_damaged_slice_is_refused_or_read_but_never_more) {
  Random random(test::Seed());
  const auto hashes = RandomHashes(random, 2000);
  PrefixIndex index(kSettings);
  for (int i = 0; i < 300; ++i) Change(index, random, hashes);
  Slices slices = Write(index, [] {});
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    PrefixIndex copy(kSettings);
    copy.BeginImport(random.Below(4000), Places());
    for (std::vector<uint8_t> slice : slices) {
      if (slice.empty()) continue;
      for (uint64_t flips = random.Below(4); flips > 0; --flips) {
        slice[random.Below(slice.size())] = static_cast<uint8_t>(random.Next());
      }
      if (random.Below(2) == 0) slice.resize(random.Below(slice.size()));
      refused += copy.ImportSlice(slice) != nullptr;
    }
    copy.EndImport();
    while (copy.Maintain(1024)) {
    }
  }
  std::printf("  %d slices refused\n", refused);
  CHECK(refused > 0);
}

TEST(an_export_that_is_given_up_leaves_the_next_one_free_to_begin) {
  PrefixIndex index(kSettings);
  CHECK(index.BeginExport());
  CHECK(!index.BeginExport());
  index.CancelExport();
  CHECK(index.BeginExport());
  std::vector<uint8_t> slice;
  CHECK(index.ExportSlice(slice) == PrefixIndex::ExportState::kLast);
  index.FinishExport(slice);
  CHECK(slice.empty());
}

}  // namespace
}  // namespace kv
