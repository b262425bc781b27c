// One writer beside readers. What a reader sees checks itself, so a torn or mixed-up answer cannot
// hide; and what must not be missed is looked for all the time. Run it under TSan.
#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "core/growing_table.h"
#include "core/prefix_index.h"
#include "test/check.h"
#include "test/random.h"

namespace kv {
namespace {

using test::Random;
using Clock = std::chrono::steady_clock;

constexpr TierCredits kCredits = {256, 192, 128, 64};
constexpr uint64_t kMiB = uint64_t{1} << 20;

constexpr std::chrono::milliseconds kRun{test::kSanitized ? 1500 : 400};

// Runs `read(random)` in threads beside `write(random)` for a while.
template <typename Write, typename Read>
void Beside(uint64_t seed, int readers, Write&& write, Read&& read) {
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> reads{0};
  std::vector<std::thread> threads;
  for (int r = 0; r < readers; ++r) {
    threads.emplace_back([&, r] {
      Random random(seed + 1 + static_cast<uint64_t>(r));
      auto reader = read();
      uint64_t count = 0;
      for (; !stop.load(std::memory_order_relaxed); ++count) reader(random);
      reads.fetch_add(count, std::memory_order_relaxed);
    });
  }
  Random random(seed);
  uint64_t writes = 0;
  for (const auto end = Clock::now() + kRun; Clock::now() < end; ++writes) write(random);
  stop.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads) thread.join();
  std::printf("  %llu writes, %llu reads\n", static_cast<unsigned long long>(writes),
              static_cast<unsigned long long>(reads.load()));
  CHECK(reads.load() > 0);
}

// A key's word in the tests of one table.
HolderWord WordFor(uint64_t key) { return 1 + key % 0xffef; }

TEST(one_slot_that_goes_through_two_keys_never_shows_one_with_the_words_of_the_other) {
  ReaderEpochs epochs;
  SlotTable table(1);
  // Three slots of the only home bucket are taken: both keys want the fourth.
  for (uint64_t key = 10; key < 13; ++key) {
    CHECK(table.Insert(key, WordFor(key), {}, 0) != SlotTable::kNoSlot);
  }
  constexpr std::array<uint64_t, 2> kKeys = {0x1111, 0x2222};
  constexpr uint64_t kSlot = 3;
  uint64_t step = 0;
  Beside(
      test::Seed(), 1,
      [&](Random&) {
        if (SlotTable::IsBlock(table.key(kSlot))) {
          table.Kill(kSlot, epochs.current());
          epochs.Advance();
        }
        const uint64_t oldest = epochs.Oldest();
        // A reader is still inside: the next slot would be taken, not this one.
        if (IsDead(table.word(kSlot)) && DeathOf(table.word(kSlot)) >= oldest) return;
        if (step % 3 == 0) table.Tidy(0, oldest);
        const uint64_t key = kKeys[step++ % 2];
        CHECK_EQUAL(table.Insert(key, WordFor(key), {}, oldest), kSlot);
      },
      [&] {
        return [&, hint = epochs.NewHint()](Random& random) {
          const uint64_t key = kKeys[random.Below(2)];
          const uint32_t place = epochs.Enter(hint);
          const HolderWord word = table.Find(key, 0);
          CHECK(word == kNobody || word == WordFor(key) || IsDead(word));
          // The same two loads, as a reader makes them that is interrupted in between.
          if (table.Locate(key) == kSlot) {
            if (random.Below(16) == 0) std::this_thread::yield();
            const HolderWord later = table.word(kSlot);
            CHECK(later == WordFor(key) || IsDead(later));
          }
          for (uint64_t stable = 10; stable < 13; ++stable) {
            CHECK_EQUAL(table.Find(stable, 0), WordFor(stable));
          }
          epochs.Leave(place);
        };
      });
  std::printf("  %llu turns\n", static_cast<unsigned long long>(step));
  CHECK(step > 100);
}

TEST(a_slot_is_not_reused_before_the_readers_that_saw_its_key_have_left) {
  ReaderEpochs epochs;
  SlotTable table(1);
  const uint32_t reader = epochs.Enter(0);
  const uint64_t slot = table.Insert(0xa, WordFor(0xa), {}, epochs.Oldest());
  CHECK_EQUAL(table.Find(0xa, 0), WordFor(0xa));
  table.Kill(slot, epochs.current());
  epochs.Advance();
  // The reader may be about to load the word: another key must go elsewhere, and the slot must not
  // look empty to an insertion either.
  table.Tidy(0, epochs.Oldest());
  const uint64_t other = table.Insert(0xb, WordFor(0xb), {}, epochs.Oldest());
  CHECK(other != slot && IsDead(table.word(slot)));
  // One that enters now cannot have seen the key.
  const uint32_t later = epochs.Enter(1);
  epochs.Leave(reader);
  CHECK_EQUAL(table.Insert(0xc, WordFor(0xc), {}, epochs.Oldest()), slot);
  epochs.Leave(later);
}

TEST(a_tombstone_that_searches_pass_through_stays_until_they_do_not) {
  ReaderEpochs epochs;
  SlotTable table(1);
  for (uint64_t key = 10; key < 15; ++key) {
    CHECK(table.Insert(key, WordFor(key), {}, 0) != SlotTable::kNoSlot);
  }
  table.Kill(2, epochs.current());
  epochs.Advance();
  table.Tidy(0, epochs.Oldest());
  CHECK_EQUAL(table.tombstones(), 1);
  CHECK_EQUAL(table.Find(14, 0), WordFor(14));
  // Without the key that overflowed, both slots become empty.
  table.Kill(4, epochs.current());
  epochs.Advance();
  table.Tidy(1, epochs.Oldest());
  CHECK_EQUAL(table.tombstones(), 0);
  CHECK_EQUAL(table.Find(13, 0), WordFor(13));
  CHECK_EQUAL(table.Find(14, 0), kNobody);
}

TEST(a_table_that_grows_and_shrinks_never_loses_a_key) {
  MemoryBudget budget(512 * kMiB);
  ReaderEpochs epochs;
  GrowingTable table(budget, epochs, 64);
  constexpr uint64_t kStable = 2000;
  const auto stable_key = [](uint64_t i) { return KeyOf(i * 0x123456789abcdef); };
  const auto passing_key = [](uint64_t i) { return KeyOf(~i * 0x123456789abcdef); };
  for (uint64_t i = 0; i < 100; ++i) {
    CHECK(table.Insert(stable_key(i), WordFor(stable_key(i)), {}, 0));
  }
  std::atomic<uint64_t> stored{100};
  uint64_t next = 0;
  uint64_t sizes = 0;
  Beside(
      test::Seed(), 2,
      [&](Random& random) {
        const uint64_t oldest = epochs.Oldest();
        table.Reclaim(oldest);
        if (!table.walking()) {
          constexpr std::array<uint64_t, 4> kSizes = {2048, 4096, 3000, 40'000};
          CHECK(table.Resize(kSizes[++sizes % kSizes.size()]));
        }
        table.Walk(
            1 + random.Below(64), oldest, [](uint64_t, HolderWord word) { return word; },
            [](uint64_t, HolderWord) { CHECK(false); });
        if (const uint64_t known = stored.load(); known < kStable) {
          const uint64_t key = stable_key(known);
          if (table.Insert(key, WordFor(key), {}, oldest)) stored.store(known + 1);
        }
        for (int i = 0; i < 20; ++i) {
          const uint64_t key = passing_key(next++ % 1000);
          if (const GrowingTable::Place place = table.Locate(key); place) {
            CHECK_EQUAL(place.word(), WordFor(key));
            table.Kill(place);
          } else {
            // May fail: tombstones pile up while a reader sleeps.
            static_cast<void>(table.Insert(key, WordFor(key), {}, oldest));
          }
        }
        epochs.Advance();
      },
      [&] {
        return [&, hint = epochs.NewHint()](Random& random) {
          const uint64_t known = stored.load();
          const uint32_t place = epochs.Enter(hint);
          const GrowingTable::View view = table.Read();
          const auto find = [&](uint64_t key) {
            return table.Find(view, key, GrowingTable::Prefetch(view, key));
          };
          for (int i = 0; i < 32; ++i) {
            const uint64_t stable = stable_key(random.Below(known));
            CHECK_EQUAL(find(stable), WordFor(stable));
            const uint64_t passing = passing_key(random.Below(1000));
            const HolderWord word = find(passing);
            CHECK(word == kNobody || word == WordFor(passing));
          }
          epochs.Leave(place);
        };
      });
  std::printf("  %llu sizes\n", static_cast<unsigned long long>(sizes));
  CHECK(sizes > 4);
}

// Which endpoints ever hold a block: anything else in a match is an error.
bool MayHold(uint64_t hash, uint32_t endpoint) { return ((hash >> (endpoint % 60)) & 3) != 0; }

TEST(readers_see_only_what_was_stored_and_never_miss_what_stays) {
  constexpr uint32_t kEndpoints = 100;
  constexpr uint32_t kStableEndpoint = 1000;
  constexpr uint32_t kStableWide = 1100;
  constexpr size_t kBlocks = 96;
  PrefixIndex index({512 * kMiB, kCredits});
  const uint64_t seed = test::Seed();
  Random setup(~seed);
  std::vector<std::vector<uint64_t>> prompts(64);
  for (auto& prompt : prompts) {
    prompt.resize(kBlocks);
    for (uint64_t& hash : prompt) hash = setup.Next();
  }
  // Held throughout: prompts 0 to 15 by a few endpoints, 0 to 3 by so many that they share sets.
  for (size_t p = 0; p < 16; ++p) {
    const uint32_t count = p < 4 ? 150 : 3;
    const uint32_t first = p < 4 ? kStableWide : kStableEndpoint;
    for (uint32_t e = first; e < first + count; ++e) {
      CHECK_EQUAL(index.Store(e, Tier::kGpu, prompts[p]), kBlocks);
    }
  }
  // Even: cleared and not stored to since; the number counts clears and stores.
  std::array<std::atomic<uint32_t>, kEndpoints> turns{};
  std::vector<uint64_t> fresh;
  Beside(
      seed, 2,
      [&](Random& random) {
        const auto endpoint = static_cast<uint32_t>(random.Below(kEndpoints));
        const auto tier = static_cast<Tier>(random.Below(2));
        const auto& prompt = prompts[random.Below(prompts.size())];
        const size_t length = 1 + random.Below(kBlocks);
        std::vector<uint64_t> part;
        for (size_t i = 0; i < length; ++i) {
          if (MayHold(prompt[i], endpoint)) part.push_back(prompt[i]);
        }
        const uint64_t kind = random.Below(40);
        if (kind == 0) {
          index.Clear(endpoint, std::nullopt);
          if (turns[endpoint].load() % 2 == 1) turns[endpoint].fetch_add(1);
        } else if (kind < 16) {
          index.Remove(endpoint, tier, part);
        } else {
          if (turns[endpoint].load() % 2 == 0) turns[endpoint].fetch_add(1);
          index.Store(endpoint, tier, part);
        }
        if (kind == 1) {
          // New blocks make the table grow; clearing their endpoint empties it again.
          fresh.resize(2000);
          for (uint64_t& hash : fresh) hash = random.Next();
          index.Store(2000, Tier::kGpu, fresh);
        } else if (kind == 2 && index.BlocksOf(2000, Tier::kGpu) > 60'000) {
          index.Clear(2000, Tier::kGpu);
        }
      },
      [&] {
        return [&, matcher = std::make_shared<Matcher>(),
                hint = index.NewReaderHint()](Random& random) {
          const size_t p = random.Below(prompts.size());
          std::array<uint32_t, kEndpoints> before;
          for (uint32_t e = 0; e < kEndpoints; ++e) before[e] = turns[e].load();
          const auto matches = index.Match(*matcher, hint, prompts[p]);
          uint32_t stable = 0;
          for (const EndpointMatch& match : matches) {
            CHECK(match.leading_blocks > 0 && match.leading_blocks <= kBlocks);
            CHECK(match.credit <= match.leading_blocks * kCredits[0]);
            CHECK(match.credit >= match.leading_blocks * kCredits[1]);
            if (match.endpoint >= kStableEndpoint) {
              CHECK_EQUAL(match.leading_blocks, kBlocks);
              ++stable;
              continue;
            }
            CHECK(match.endpoint < kEndpoints);
            for (uint32_t i = 0; i < match.leading_blocks; ++i) {
              CHECK(MayHold(prompts[p][i], match.endpoint));
            }
            const uint32_t turn = before[match.endpoint];
            CHECK(turn % 2 == 1 || turns[match.endpoint].load() != turn);
          }
          CHECK_EQUAL(stable, p < 4 ? 150 : p < 16 ? 3 : 0);
        };
      });
  const IndexStats stats = index.Stats();
  CHECK(stats.bytes <= stats.max_bytes);
}

TEST(writers_in_several_threads_take_turns) {
  PrefixIndex index({64 * kMiB, kCredits});
  std::vector<std::thread> threads;
  for (uint32_t endpoint = 0; endpoint < 3; ++endpoint) {
    threads.emplace_back([&index, endpoint] {
      for (uint64_t i = 0; i < 200; ++i) {
        std::array<uint64_t, 8> hashes;
        for (uint64_t h = 0; h < 8; ++h) hashes[h] = i * 8 + h;
        CHECK_EQUAL(index.Store(endpoint, Tier::kGpu, hashes), 8);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQUAL(index.Stats().blocks, 1600);
  for (uint32_t endpoint = 0; endpoint < 3; ++endpoint) {
    CHECK_EQUAL(index.BlocksOf(endpoint, Tier::kGpu), 1600);
  }
}

}  // namespace
}  // namespace kv
