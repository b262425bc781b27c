// Hashing for JavaScript. Types and contract: src/native.ts.
#include <cmath>
#include <optional>
#include <string>

#include "addon/bindings.h"
#include "core/block_hash.h"
#include "core/sha256.h"
#include "core/xxh3.h"

namespace kv {
namespace {

struct AlgorithmName {
  const char* name;
  HashAlgorithm algorithm;
};
constexpr AlgorithmName kAlgorithms[] = {
    {"sha256_cbor", HashAlgorithm::kSha256Cbor},
    {"sha256", HashAlgorithm::kSha256},
    {"xxhash_cbor", HashAlgorithm::kXxhashCbor},
    {"xxhash", HashAlgorithm::kXxhash},
    {"sha256_cbor_64bit", HashAlgorithm::kSha256Cbor64Bit},
};

std::string Printed(const Napi::Value& value) {
  return value.IsEmpty() ? "nothing" : value.ToString().Utf8Value();
}

bool IsTyped(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

// Views of JavaScript memory: valid only during the call that made them.
template <class Element>
std::span<const Element> ViewOf(const Napi::Value& value) {
  auto array = value.As<Napi::TypedArrayOf<Element>>();
  return {array.Data(), array.ElementLength()};
}

// The fields of a BlockHashInput, checked. After a failure `problem` says what is wrong with which
// field and nothing else is to be used.
class Input {
 public:
  explicit Input(const Napi::Value& value) {
    if (!value.IsObject()) {
      problem = "input: expected an object, got " + Printed(value);
      return;
    }
    const auto object = value.As<Napi::Object>();
    ReadAlgorithm(object);
    if (problem.empty()) ReadRoot(object);
    if (problem.empty()) ReadTokens(object);
    if (problem.empty()) ReadExtras(object);
    if (problem.empty()) ReadDigests(object);
  }

  std::string problem;
  HashAlgorithm algorithm{};
  bool portable = false;
  bool cached = false;
  std::span<const uint8_t> root;
  uint32_t block_size = 0;
  // One of the two is set.
  std::optional<std::span<const uint32_t>> tokens;
  std::optional<std::span<const uint64_t>> wide_tokens;
  size_t block_count = 0;
  std::span<const uint8_t> extra_every;
  std::span<const uint32_t> extra_blocks;
  std::vector<std::span<const uint8_t>> extra_values;
  uint8_t* digests = nullptr;

 private:
  void ReadAlgorithm(const Napi::Object& object) {
    const Napi::Value name = object.Get("algorithm");
    const std::string text = name.IsString() ? name.As<Napi::String>().Utf8Value() : "";
    bool known = false;
    for (const auto& entry : kAlgorithms) {
      if (text != entry.name) continue;
      algorithm = entry.algorithm;
      known = true;
    }
    if (!known) problem = "algorithm: unknown block hash algorithm " + Printed(name);

    portable = ReadFlag(object, "portable");
    cached = ReadFlag(object, "cached");
  }

  bool ReadFlag(const Napi::Object& object, const char* name) {
    const Napi::Value value = object.Get(name);
    if (!value.IsUndefined() && !value.IsBoolean() && problem.empty()) {
      problem = std::string(name) + ": expected a boolean, got " + Printed(value);
    }
    return value.IsBoolean() && value.As<Napi::Boolean>().Value();
  }

  void ReadRoot(const Napi::Object& object) {
    const Napi::Value value = object.Get("root");
    if (!IsTyped(value, napi_uint8_array)) {
      problem = "root: expected a Uint8Array";
      return;
    }
    root = ViewOf<uint8_t>(value);
    if (!IsRootSize(algorithm, root.size())) {
      problem = "root: " + std::to_string(root.size()) + " bytes do not begin such a chain";
    }
  }

  void ReadTokens(const Napi::Object& object) {
    const Napi::Value size = object.Get("blockSizeTokens");
    const double number = size.IsNumber() ? size.As<Napi::Number>().DoubleValue() : 0;
    if (!(number >= 1 && number <= kMaxBlockSizeTokens) || number != std::floor(number)) {
      problem = "blockSizeTokens: expected an integer from 1 to " +
                std::to_string(kMaxBlockSizeTokens) + ", got " + Printed(size);
      return;
    }
    block_size = static_cast<uint32_t>(number);

    const Napi::Value value = object.Get("tokens");
    if (IsTyped(value, napi_uint32_array)) {
      tokens = ViewOf<uint32_t>(value);
      block_count = tokens->size() / block_size;
    } else if (IsTyped(value, napi_biguint64_array)) {
      wide_tokens = ViewOf<uint64_t>(value);
      block_count = wide_tokens->size() / block_size;
    } else {
      problem = "tokens: expected a Uint32Array or a BigUint64Array";
    }
  }

  void ReadExtras(const Napi::Object& object) {
    const Napi::Value every = object.Get("extraEvery");
    if (IsTyped(every, napi_uint8_array)) {
      extra_every = ViewOf<uint8_t>(every);
      if (extra_every.empty()) problem = "extraEvery: expected null instead of no bytes";
    } else if (!every.IsNull()) {
      problem = "extraEvery: expected a Uint8Array or null";
    }
    const Napi::Value blocks = object.Get("extraBlocks");
    const Napi::Value values = object.Get("extraValues");
    if (!problem.empty() || (blocks.IsUndefined() && values.IsUndefined())) return;
    if (!IsTyped(blocks, napi_uint32_array)) {
      problem = "extraBlocks: expected a Uint32Array";
      return;
    }
    if (!values.IsArray()) {
      problem = "extraValues: expected an array of Uint8Array";
      return;
    }
    extra_blocks = ViewOf<uint32_t>(blocks);
    ReadExtraValues(values.As<Napi::Array>());
  }

  void ReadExtraValues(const Napi::Array& values) {
    if (values.Length() != extra_blocks.size()) {
      problem = "extraValues: " + std::to_string(values.Length()) + " values for " +
                std::to_string(extra_blocks.size()) + " extraBlocks";
      return;
    }
    extra_values.reserve(extra_blocks.size());
    for (uint32_t i = 0; i < extra_blocks.size(); ++i) {
      const bool ascends = i == 0 || extra_blocks[i] > extra_blocks[i - 1];
      if (!ascends || extra_blocks[i] >= block_count) {
        problem = "extraBlocks[" + std::to_string(i) + "]: " + std::to_string(extra_blocks[i]) +
                  (ascends ? " is past the last block" : " does not ascend");
        return;
      }
      const Napi::Value value = values[i];
      if (!IsTyped(value, napi_uint8_array) || ViewOf<uint8_t>(value).empty()) {
        problem = "extraValues[" + std::to_string(i) + "]: expected a non-empty Uint8Array";
        return;
      }
      extra_values.push_back(ViewOf<uint8_t>(value));
    }
  }

  void ReadDigests(const Napi::Object& object) {
    const Napi::Value value = object.Get("digests");
    if (value.IsUndefined()) return;
    const size_t needed = block_count * DigestBytes(algorithm);
    if (!IsTyped(value, napi_uint8_array) || ViewOf<uint8_t>(value).size() != needed) {
      problem = "digests: expected a Uint8Array of " + std::to_string(needed) + " bytes";
      return;
    }
    digests = value.As<Napi::Uint8Array>().Data();
  }
};

template <class Token>
BlockChain<Token> ChainOf(const Input& input, std::span<const Token> tokens) {
  return {
      .algorithm = input.algorithm,
      .portable = input.portable,
      .root = input.root,
      .block_size = input.block_size,
      .tokens = tokens,
      .extra_every = input.extra_every,
      .extra_blocks = input.extra_blocks,
      .extra_values = input.extra_values,
  };
}

bool HashTokens(Napi::Env env, const Input& input, const BlockHashes& out) {
  if (!input.tokens) return HashBlocks(ChainOf(input, *input.wide_tokens), out);
  const BlockChain<uint32_t> chain = ChainOf(input, *input.tokens);
  const bool only_values = out.digests == nullptr && out.preimages == nullptr;
  if (!input.cached || !only_values) return HashBlocks(chain, out);
  return env.GetInstanceData<ThreadState>()->cached_hasher.Hash(chain, out.values);
}

// Returns the hashes, or an empty value with a TypeError pending.
Napi::Value Hash(const Napi::CallbackInfo& info, std::vector<std::vector<uint8_t>>* preimages) {
  const Napi::Env env = info.Env();
  Input input(info[0]);
  if (input.problem.empty()) {
    auto hashes = Napi::BigUint64Array::New(env, input.block_count);
    const BlockHashes out = {
        .values = {hashes.Data(), input.block_count},
        .digests = input.digests,
        .preimages = preimages,
    };
    if (HashTokens(env, input, out)) return hashes;
    const std::string tokens = std::to_string(input.block_size);
    Napi::RangeError::New(env, "a pickled block of " + tokens +
                                   " tokens and its extra keys exceeds one frame of 64 KiB")
        .ThrowAsJavaScriptException();
    return {};
  }
  // A getter of the input may have thrown already; its error says more.
  if (!env.IsExceptionPending()) {
    Napi::TypeError::New(env, input.problem).ThrowAsJavaScriptException();
  }
  return {};
}

Napi::Value HashBlocksOf(const Napi::CallbackInfo& info) { return Hash(info, nullptr); }

Napi::Value BlockPreimagesOf(const Napi::CallbackInfo& info) {
  std::vector<std::vector<uint8_t>> preimages;
  if (Hash(info, &preimages).IsEmpty()) return {};
  auto result = Napi::Array::New(info.Env(), preimages.size());
  for (size_t i = 0; i < preimages.size(); ++i) {
    auto bytes = Napi::Uint8Array::New(info.Env(), preimages[i].size());
    std::copy(preimages[i].begin(), preimages[i].end(), bytes.Data());
    result.Set(static_cast<uint32_t>(i), bytes);
  }
  return result;
}

template <size_t kDigestBytes, class Hasher>
Napi::Value HashBytes(const Napi::CallbackInfo& info, Hasher hasher) {
  if (!IsTyped(info[0], napi_uint8_array)) {
    Napi::TypeError::New(info.Env(), "bytes: expected a Uint8Array").ThrowAsJavaScriptException();
    return {};
  }
  auto digest = Napi::Uint8Array::New(info.Env(), kDigestBytes);
  hasher(ViewOf<uint8_t>(info[0]), digest.Data());
  return digest;
}

Napi::Value Sha256Of(const Napi::CallbackInfo& info) {
  return HashBytes<kSha256DigestBytes>(info, [](std::span<const uint8_t> bytes, uint8_t* digest) {
    HashSha256(FastestSha256(), bytes, digest);
  });
}

Napi::Value Xxh3Of(const Napi::CallbackInfo& info) {
  return HashBytes<kXxh3DigestBytes>(info, HashXxh3);
}

// hashCacheStats(): CacheStats
Napi::Value HashCacheStats(const Napi::CallbackInfo& info) {
  return StatsObject(info.Env(), SharedHashRuns().Stats());
}

Napi::Value Sha256Implementation(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), std::string(FastestSha256().name));
}

}  // namespace

void RegisterHasher(Napi::Env env, Napi::Object exports) {
  exports.Set("hashBlocks", Napi::Function::New(env, HashBlocksOf, "hashBlocks"));
  exports.Set("blockPreimages", Napi::Function::New(env, BlockPreimagesOf, "blockPreimages"));
  exports.Set("sha256", Napi::Function::New(env, Sha256Of, "sha256"));
  exports.Set("xxh3_128", Napi::Function::New(env, Xxh3Of, "xxh3_128"));
  exports.Set("hashCacheStats", Napi::Function::New(env, HashCacheStats, "hashCacheStats"));
  exports.Set("sha256Implementation",
              Napi::Function::New(env, Sha256Implementation, "sha256Implementation"));
}

}  // namespace kv
