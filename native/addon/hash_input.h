// BlockHashInput and PromptHashInput (src/native.ts) as JavaScript gives them, checked.
#pragma once

#include <napi.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/block_hash.h"

namespace kv {

// What a value is, for a message about it.
std::string Printed(const Napi::Value& value);

inline bool IsTyped(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

// Views of JavaScript memory: valid only during the call that made them.
template <class Element>
std::span<const Element> ViewOf(const Napi::Value& value) {
  auto array = value.As<Napi::TypedArrayOf<Element>>();
  return {array.Data(), array.ElementLength()};
}

// After a failure `problem` says what is wrong with which field and nothing else is to be used.
class HashInput {
 public:
  // Of tokens, or of a text whose tokens the input does not have.
  enum class Kind { kTokens, kText };

  HashInput(const Napi::Value& value, Kind kind);

  // Throws a TypeError that names the field at fault.
  void ThrowProblem(Napi::Env env) const;

  template <class Token>
  BlockChain<Token> Chain(std::span<const Token> of_tokens) const {
    return {.algorithm = algorithm,
            .portable = portable,
            .root = root,
            .block_size = block_size,
            .tokens = of_tokens,
            .extra_every = extra_every,
            .extra_blocks = extra_blocks,
            .extra_values = extra_values};
  }

  std::string problem;
  HashAlgorithm algorithm{};
  bool portable = false;
  bool cached = false;
  std::span<const uint8_t> root;
  uint32_t block_size = 0;
  // One of the two is set, unless a text is hashed.
  std::optional<std::span<const uint32_t>> tokens;
  std::optional<std::span<const uint64_t>> wide_tokens;
  // Blocks of the tokens; 1 for a text, whose keys may name only its first block.
  size_t block_count = 1;
  std::span<const uint8_t> extra_every;
  std::span<const uint32_t> extra_blocks;
  std::vector<std::span<const uint8_t>> extra_values;
  uint8_t* digests = nullptr;

 private:
  void ReadAlgorithm(const Napi::Object& object);
  bool ReadFlag(const Napi::Object& object, const char* name);
  void ReadRoot(const Napi::Object& object);
  void ReadBlockSize(const Napi::Object& object);
  void ReadTokens(const Napi::Object& object);
  void ReadExtras(const Napi::Object& object);
  void ReadExtraValues(const Napi::Array& values);
  void ReadDigests(const Napi::Object& object);
};

}  // namespace kv
