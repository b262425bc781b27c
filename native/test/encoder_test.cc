#include "core/encoder.h"

#include <thread>
#include <vector>

#include "core/nfc.h"
#include "test/check.h"
#include "test/tiny_tokenizer.h"

namespace {

using kv::SplitRule;
using kv::test::Random;
using kv::test::RandomSpec;
using kv::test::RandomText;
using Bytes = std::vector<uint8_t>;

std::vector<uint32_t> Ids(kv::Encoder& encoder, const Bytes& text) {
  const std::span<const uint32_t> ids = encoder.Encode(text, true);
  return {ids.begin(), ids.end()};
}

Bytes Repaired(const Bytes& text) {
  Bytes repaired;
  kv::AppendRepairedUtf8(text, &repaired);
  return repaired;
}

}  // namespace

TEST(remembered_texts_have_the_ids_of_tokenized_ones) {
  Random random(kv::test::Seed());
  for (int round = 0; round < 30 / kv::test::kSingleThreadShare; ++round) {
    const kv::test::TinyTokenizer tiny(random, 200);
    const kv::TokenizerSpec spec = RandomSpec(random, tiny);
    kv::Encoder plain(kv::test::Built(spec, 0));
    // Small enough that texts are forgotten, too.
    kv::Encoder cached(kv::test::Built(spec, 1 << 18));
    Bytes text;
    for (int turn = 0; turn < 60; ++turn) {
      const Bytes more = RandomText(random, 300, turn % 4 == 3);
      text.insert(text.end(), more.begin(), more.end());
      const std::vector<uint32_t> expected = Ids(plain, text);
      CHECK(Ids(cached, text) == expected);
      CHECK(Ids(cached, text) == expected);
      if (text.size() > 20'000) text.clear();
    }
  }
}

TEST(bytes_that_are_not_utf8_count_as_replacement_characters) {
  Random random(kv::test::Seed());
  const kv::test::TinyTokenizer tiny(random, 100);
  for (int round = 0; round < 10; ++round) {
    kv::Encoder encoder(kv::test::Built(RandomSpec(random, tiny), 0));
    for (int i = 0; i < 200; ++i) {
      Bytes text = RandomText(random, 40, true);
      if (i % 3 == 0) {
        text.resize(random.Below(200));
        for (uint8_t& byte : text) byte = static_cast<uint8_t>(random.Next());
      }
      CHECK(Ids(encoder, text) == Ids(encoder, Repaired(text)));
    }
  }
}

TEST(threads_share_remembered_texts) {
  Random random(kv::test::Seed());
  const kv::test::TinyTokenizer tiny(random, 200);
  const auto tokenizer = kv::test::Built(tiny.Spec({SplitRule::kQwen2}), 1 << 20);
  std::vector<Bytes> texts;
  std::vector<std::vector<uint32_t>> expected;
  kv::Encoder plain(kv::test::Built(tiny.Spec({SplitRule::kQwen2}), 0));
  for (int i = 0; i < 200; ++i) {
    texts.push_back(RandomText(random, 1500, false));
    expected.push_back(Ids(plain, texts.back()));
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      kv::Encoder encoder(tokenizer);
      Random order(static_cast<uint64_t>(t));
      for (int i = 0; i < 400; ++i) {
        const size_t k = order.Below(texts.size());
        CHECK(Ids(encoder, texts[k]) == expected[k]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(tokenizer->segments.Stats().hits > 0);
}

TEST(a_prompt_that_grows_is_tokenized_only_where_it_grew) {
  Random random(1);
  const kv::test::TinyTokenizer tiny(random, 200);
  const auto tokenizer = kv::test::Built(tiny.Spec({SplitRule::kQwen2}), 1 << 22);
  kv::Encoder encoder(tokenizer);
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += " word" + std::to_string(i);
  Ids(encoder, Bytes(text.begin(), text.end()));
  const uint64_t before = tokenizer->segments.Stats().missed_bytes;
  text += " and a little more";
  Ids(encoder, Bytes(text.begin(), text.end()));
  CHECK(tokenizer->segments.Stats().missed_bytes - before < 2500);
}

TEST(the_memory_of_remembered_texts_is_bounded) {
  Random random(kv::test::Seed());
  const kv::test::TinyTokenizer tiny(random, 100);
  const auto tokenizer = kv::test::Built(tiny.Spec({SplitRule::kCl100k}), 1 << 20);
  kv::Encoder encoder(tokenizer);
  for (int i = 0; i < 300; ++i) Ids(encoder, RandomText(random, 8000, false));
  const kv::SegmentCacheStats stats = tokenizer->segments.Stats();
  CHECK(stats.bytes <= 1 << 20);
  CHECK(stats.misses > 0);
}

TEST(normal_forms_are_stable) {
  Random random(kv::test::Seed());
  for (int i = 0; i < 5000; ++i) {
    const Bytes text = RandomText(random, 40, false);
    kv::Buffer<uint8_t> once;
    kv::Buffer<uint8_t> twice;
    kv::SharedNfc().Append(text.data(), text.size(), &once);
    kv::SharedNfc().Append(once.data(), once.size(), &twice);
    CHECK_EQUAL(once.size(), twice.size());
    CHECK(once.size() == 0 || memcmp(once.data(), twice.data(), once.size()) == 0);
    if (kv::SharedNfc().IsStable(text.data(), text.size())) CHECK_EQUAL(once.size(), text.size());
  }
}
