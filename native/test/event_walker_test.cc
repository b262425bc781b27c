// What the contract tests on vLLM's own bytes cannot show: that nothing is read beyond a message
// (exactly sized memory, under ASan), however its bytes lie.
#include "core/event_walker.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "test/check.h"
#include "test/random.h"

namespace kv {
namespace {

using test::Random;
using Bytes = std::vector<uint8_t>;

constexpr uint64_t kMiB = uint64_t{1} << 20;

// Writes the msgpack that the walker reads.
class Writer {
 public:
  Writer& Byte(int byte) {
    bytes_.push_back(static_cast<uint8_t>(byte));
    return *this;
  }
  Writer& Array(size_t count) { return Sized(0x90, 0xdc, count); }
  Writer& Map(size_t count) { return Sized(0x80, 0xde, count); }
  Writer& Text(std::string_view text) {
    Byte(text.size() < 32 ? 0xa0 + static_cast<int>(text.size()) : 0xd9);
    if (text.size() >= 32) Byte(static_cast<int>(text.size()));
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
  }
  Writer& Integer(uint64_t value) {
    Byte(0xcf);
    for (int shift = 56; shift >= 0; shift -= 8) Byte(static_cast<int>(value >> shift & 0xff));
    return *this;
  }
  Writer& Digest(uint64_t value, size_t size) {
    Byte(0xc4).Byte(static_cast<int>(size));
    for (size_t i = 8; i < size; ++i) Byte(0xee);
    for (int shift = 56; shift >= 0; shift -= 8) Byte(static_cast<int>(value >> shift & 0xff));
    return *this;
  }
  Bytes Take() { return std::move(bytes_); }

 private:
  Writer& Sized(int fixed, int sized, size_t count) {
    if (count < 16) return Byte(fixed + static_cast<int>(count));
    return Byte(sized).Byte(static_cast<int>(count >> 8)).Byte(static_cast<int>(count & 0xff));
  }

  Bytes bytes_;
};

void WriteStored(Writer& to, bool as_map, std::span<const uint64_t> hashes, Random& random) {
  const auto name = [&](std::string_view field) {
    if (as_map) to.Text(field);
  };
  as_map ? to.Map(7) : to.Array(7);
  name("type");
  to.Text("BlockStored");
  name("block_hashes");
  to.Array(hashes.size());
  for (const uint64_t hash : hashes) {
    random.Below(2) == 0 ? to.Integer(hash) : to.Digest(hash, random.Below(2) == 0 ? 16 : 32);
  }
  name("parent_block_hash");
  to.Integer(random.Next());
  name("token_ids");
  to.Array(hashes.size() * 16);
  for (size_t i = 0; i < hashes.size() * 16; ++i) {
    random.Below(2) == 0 ? to.Byte(0xcd).Byte(7).Byte(9) : to.Byte(5);
  }
  name("block_size");
  to.Byte(16);
  name("lora_id");
  to.Byte(0xc0);
  name("medium");
  to.Text("GPU");
}

Bytes SomeBatch(Random& random) {
  Writer to;
  to.Array(3).Byte(0xcb);
  for (int i = 0; i < 8; ++i) to.Byte(0x40);
  const size_t events = 1 + random.Below(4);
  to.Array(events);
  for (size_t event = 0; event < events; ++event) {
    std::array<uint64_t, 5> hashes;
    for (uint64_t& hash : hashes) hash = random.Next();
    WriteStored(to, random.Below(2) == 0, std::span(hashes).first(random.Below(6)), random);
  }
  to.Byte(0xc0);
  return to.Take();
}

struct Walk {
  PrefixIndex index{{64 * kMiB, {256, 192, 128, 64}}};
  EventWalker walker;
  std::array<uint32_t, kMaxGroups / 32> groups{};
  EventCounts counts;

  const char* Apply(std::span<const uint8_t> payload) {
    // A copy of exactly this size: one byte further is an error that ASan sees.
    const auto copy = std::make_unique<uint8_t[]>(payload.size());
    std::copy(payload.begin(), payload.end(), copy.get());
    return walker.Apply(index, 1, std::nullopt, {copy.get(), payload.size()}, groups, counts);
  }
};

TEST(a_batch_cut_anywhere_breaks_off_and_changes_nothing) {
  Random random(test::Seed());
  Walk walk;
  for (int round = 0; round < 20; ++round) {
    const Bytes batch = SomeBatch(random);
    const uint32_t before = walk.index.BlocksOf(1, Tier::kGpu);
    for (size_t size = 0; size < batch.size(); ++size) {
      CHECK(walk.Apply(std::span(batch).first(size)) != nullptr);
    }
    CHECK_EQUAL(walk.index.BlocksOf(1, Tier::kGpu), before);
    CHECK(walk.Apply(batch) == nullptr);
    CHECK_EQUAL(walk.index.BlocksOf(1, Tier::kGpu), before + walk.counts.stored_blocks);
    CHECK_EQUAL(walk.counts.malformed, 0);
  }
}

TEST(no_bytes_whatever_lead_beyond_a_message) {
  Random random(test::Seed());
  Walk walk;
  for (int round = 0; round < 20'000; ++round) {
    Bytes batch = SomeBatch(random);
    if (random.Below(3) == 0) batch.resize(random.Below(batch.size()));
    for (uint64_t flips = random.Below(6); flips > 0 && !batch.empty(); --flips) {
      batch[random.Below(batch.size())] = static_cast<uint8_t>(random.Next());
    }
    if (walk.Apply(batch) != nullptr) continue;
    CHECK(walk.counts.stored_blocks <= batch.size());
  }
}

TEST(depth_and_claimed_lengths_cost_no_more_than_their_bytes) {
  Walk walk;
  // A million arrays in each other, where an event should be.
  Writer deep;
  deep.Array(2).Byte(1).Array(1);
  for (int i = 0; i < 1'000'000; ++i) deep.Array(1);
  deep.Byte(1);
  CHECK(walk.Apply(deep.Take()) == nullptr);
  CHECK_EQUAL(walk.counts.malformed, 1);
  for (const int head : {0xdd, 0xdf, 0xc6, 0xdb}) {
    Writer claim;
    claim.Array(2).Byte(1).Array(1).Byte(head);
    for (int i = 0; i < 4; ++i) claim.Byte(0xff);
    CHECK(walk.Apply(claim.Take()) != nullptr);
  }
  Writer events;
  events.Array(2).Byte(1).Byte(0xdd).Byte(0xff).Byte(0xff).Byte(0xff).Byte(0xff);
  CHECK(walk.Apply(events.Take()) != nullptr);
}

TEST(a_batch_with_more_hashes_than_are_applied_at_once_is_applied_whole) {
  Random random(test::Seed());
  std::vector<uint64_t> hashes(2000);
  for (uint64_t& hash : hashes) hash = random.Next();
  Writer to;
  to.Array(2).Byte(1).Array(1);
  WriteStored(to, true, hashes, random);
  Walk walk;
  CHECK(walk.Apply(to.Take()) == nullptr);
  CHECK_EQUAL(walk.counts.stored_blocks, hashes.size());
  Matcher matcher;
  const auto matches = walk.index.Match(matcher, 0, hashes);
  CHECK_EQUAL(matches.size(), 1);
  CHECK_EQUAL(matches[0].leading_blocks, hashes.size());
}

}  // namespace
}  // namespace kv
