// Hashing for JavaScript. Types and contract: src/native.ts.
#include <string>
#include <vector>

#include "addon/bindings.h"
#include "addon/hash_input.h"
#include "core/block_hash.h"
#include "core/sha256.h"
#include "core/xxh3.h"

namespace kv {
namespace {

bool HashTokens(Napi::Env env, const HashInput& input, const BlockHashes& out) {
  if (!input.tokens) return HashBlocks(input.Chain(*input.wide_tokens), out);
  const BlockChain<uint32_t> chain = input.Chain(*input.tokens);
  const bool only_values = out.digests == nullptr && out.preimages == nullptr;
  if (!input.cached || !only_values) return HashBlocks(chain, out);
  return env.GetInstanceData<ThreadState>()->cached_hasher.Hash(chain, out.values);
}

// Returns the hashes, or an empty value with a TypeError pending.
Napi::Value Hash(const Napi::CallbackInfo& info, std::vector<std::vector<uint8_t>>* preimages) {
  const Napi::Env env = info.Env();
  const HashInput input(info[0], HashInput::Kind::kTokens);
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
  input.ThrowProblem(env);
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
