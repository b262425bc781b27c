// Any bytes through tokenizers of every family: what is remembered has the ids and hashes of what
// is tokenized, tokens spell the text, and no text takes more than linear time.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

#include "core/nfc.h"
#include "core/prompt_hasher.h"
#include "test/tiny_tokenizer.h"

namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint32_t kTokenizers = 64;
constexpr size_t kLongText = size_t{1} << 20;
// CPU time. A megabyte takes some 0.3 s under the sanitizers; in quadratic time it takes minutes.
constexpr std::clock_t kLongTextTime = 5 * CLOCKS_PER_SEC;

void Require(bool condition) {
  if (!condition) std::abort();
}

struct Pair {
  explicit Pair(uint32_t seed) {
    kv::test::Random random(seed);
    const kv::test::TinyTokenizer tiny(random, 200);
    const kv::TokenizerSpec spec = kv::test::RandomSpec(random, tiny);
    nfc = spec.nfc;
    spells = !spec.prefix_space && spec.raw_tokens.empty() && spec.normalized_tokens.empty();
    remembering = kv::test::Built(spec, size_t{1} << 22);
    cached = std::make_unique<kv::Encoder>(remembering);
    hasher = std::make_unique<kv::PromptHasher>(*cached);
    plain = std::make_unique<kv::Encoder>(kv::test::Built(spec, 0));
  }

  bool nfc;
  // No token stands for anything but its bytes.
  bool spells;
  std::shared_ptr<kv::SharedTokenizer> remembering;
  std::unique_ptr<kv::Encoder> cached;
  std::unique_ptr<kv::PromptHasher> hasher;
  std::unique_ptr<kv::Encoder> plain;
};

Pair& PairOf(uint32_t number) {
  static std::unique_ptr<Pair> pairs[kTokenizers];
  std::unique_ptr<Pair>& pair = pairs[number % kTokenizers];
  if (pair == nullptr) pair = std::make_unique<Pair>(number % kTokenizers);
  return *pair;
}

Bytes Spelled(const Pair& pair, const std::vector<uint32_t>& ids) {
  kv::Buffer<uint8_t> bytes;
  for (const uint32_t id : ids) pair.remembering->model->token_texts().Append(id, &bytes);
  return Bytes(bytes.data(), bytes.data() + bytes.size());
}

Bytes Normal(const Pair& pair, const Bytes& text) {
  Bytes repaired;
  kv::AppendRepairedUtf8(text, &repaired);
  if (!pair.nfc) return repaired;
  kv::Buffer<uint8_t> normal;
  kv::SharedNfc().Append(repaired.data(), repaired.size(), &normal);
  return Bytes(normal.data(), normal.data() + normal.size());
}

void CheckHashes(Pair& pair, const Bytes& text, const std::vector<uint32_t>& ids,
                 uint32_t block_size) {
  const Bytes root(32, 1);
  kv::BlockChain<uint32_t> chain = {
      kv::HashAlgorithm::kSha256Cbor, false, root, block_size, ids, {}, {}, {}};
  std::vector<uint64_t> values(ids.size() / block_size);
  Require(kv::HashBlocks(chain, {values, nullptr, nullptr}));
  for (int repeat = 0; repeat < 2; ++repeat) {
    Require(pair.hasher->Hash(text, chain, SIZE_MAX) == kv::PromptHasher::Outcome::kHashed);
    Require(pair.hasher->token_count() == ids.size());
    Require(std::equal(values.begin(), values.end(), pair.hasher->values().begin(),
                       pair.hasher->values().end()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  Pair& pair = PairOf(data[0]);
  const uint32_t block_size = 1 + data[1] % 40;
  const bool is_long = data[2] == 0 && data[3] < 8;
  Bytes text(data + 4, data + size);
  if (is_long && !text.empty()) {
    // The same again and again: one long word, one long run of spaces, many added tokens.
    text.reserve(kLongText + text.size());
    while (text.size() < kLongText) text.insert(text.end(), data + 4, data + size);
  }
  const std::clock_t start = std::clock();
  const auto encoded = pair.plain->Encode(text, false);
  const std::vector<uint32_t> ids(encoded.begin(), encoded.end());
  if (is_long) {
    Require(std::clock() - start < kLongTextTime);
    return 0;
  }
  for (int repeat = 0; repeat < 2; ++repeat) {
    const auto again = pair.cached->Encode(text, false);
    Require(std::equal(again.begin(), again.end(), ids.begin(), ids.end()));
  }
  if (pair.spells) Require(Spelled(pair, ids) == Normal(pair, text));
  CheckHashes(pair, text, ids, block_size);
  return 0;
}
