#include "addon/hash_input.h"

#include <cmath>

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

}  // namespace

std::string Printed(const Napi::Value& value) {
  return value.IsEmpty() ? "nothing" : value.ToString().Utf8Value();
}

HashInput::HashInput(const Napi::Value& value, Kind kind) {
  if (!value.IsObject()) {
    problem = "input: expected an object, got " + Printed(value);
    return;
  }
  const auto object = value.As<Napi::Object>();
  ReadAlgorithm(object);
  if (problem.empty()) ReadRoot(object);
  if (problem.empty()) ReadBlockSize(object);
  if (problem.empty() && kind == Kind::kTokens) ReadTokens(object);
  if (problem.empty()) ReadExtras(object);
  if (problem.empty() && kind == Kind::kTokens) ReadDigests(object);
}

void HashInput::ThrowProblem(Napi::Env env) const {
  // A getter of the input may have thrown already; its error says more.
  if (!env.IsExceptionPending()) Napi::TypeError::New(env, problem).ThrowAsJavaScriptException();
}

void HashInput::ReadAlgorithm(const Napi::Object& object) {
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

bool HashInput::ReadFlag(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsUndefined() && !value.IsBoolean() && problem.empty()) {
    problem = std::string(name) + ": expected a boolean, got " + Printed(value);
  }
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

void HashInput::ReadRoot(const Napi::Object& object) {
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

void HashInput::ReadBlockSize(const Napi::Object& object) {
  const Napi::Value size = object.Get("blockSizeTokens");
  const double number = size.IsNumber() ? size.As<Napi::Number>().DoubleValue() : 0;
  if (!(number >= 1 && number <= kMaxBlockSizeTokens) || number != std::floor(number)) {
    problem = "blockSizeTokens: expected an integer from 1 to " +
              std::to_string(kMaxBlockSizeTokens) + ", got " + Printed(size);
    return;
  }
  block_size = static_cast<uint32_t>(number);
}

void HashInput::ReadTokens(const Napi::Object& object) {
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

void HashInput::ReadExtras(const Napi::Object& object) {
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

void HashInput::ReadExtraValues(const Napi::Array& values) {
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

void HashInput::ReadDigests(const Napi::Object& object) {
  const Napi::Value value = object.Get("digests");
  if (value.IsUndefined()) return;
  const size_t needed = block_count * DigestBytes(algorithm);
  if (!IsTyped(value, napi_uint8_array) || ViewOf<uint8_t>(value).size() != needed) {
    problem = "digests: expected a Uint8Array of " + std::to_string(needed) + " bytes";
    return;
  }
  digests = value.As<Napi::Uint8Array>().Data();
}

}  // namespace kv
