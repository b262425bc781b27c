// A TokenizerSpec (src/tokenizer-spec.ts) as JavaScript gives it, checked.
#pragma once

#include <napi.h>

#include <optional>
#include <string>
#include <vector>

#include "core/tokenizer_model.h"

namespace kv {

// Reads the fields of a TokenizerSpec. The first one that does not fit is reported.
class SpecReader {
 public:
  explicit SpecReader(Napi::Object object) : object_(object) {}

  // The views of the specification point into this reader.
  bool Read(TokenizerSpec* spec) {
    spec->token_names = names_ = String("tokenNames");
    spec->token_ids = Ids("tokenIds");
    spec->merges = merges_ = String("merges");
    spec->merge_count = Count("mergeCount", MergeTable::kMaxMerges);
    spec->ignore_merges = Flag("ignoreMerges");
    spec->nfc = Flag("nfc");
    spec->prefix_space = Flag("prefixSpace");
    cache_bytes_ = Count("cacheBytes", kMaxCacheBytes);
    ReadRules(&spec->split_rules);
    ReadAddedTokens(spec);
    const std::span<const uint32_t> before = Ids("idsBefore");
    const std::span<const uint32_t> after = Ids("idsAfter");
    spec->ids_before.assign(before.begin(), before.end());
    spec->ids_after.assign(after.begin(), after.end());
    return error_.empty();
  }
  const std::string& error() const { return error_; }
  size_t cache_bytes() const { return cache_bytes_; }

 private:
  std::string String(const char* name) {
    const Napi::Value value = object_.Get(name);
    if (value.IsString()) return value.As<Napi::String>().Utf8Value();
    Fail(name, "a string");
    return {};
  }

  bool Flag(const char* name) {
    const Napi::Value value = object_.Get(name);
    if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
    Fail(name, "a boolean");
    return false;
  }

  size_t Count(const char* name, size_t max) {
    const Napi::Value value = object_.Get(name);
    if (value.IsNumber()) {
      const double number = value.As<Napi::Number>().DoubleValue();
      if (number >= 0 && number <= static_cast<double>(max)) return static_cast<size_t>(number);
    }
    Fail(name, ("a number up to " + std::to_string(max)).c_str());
    return 0;
  }

  std::span<const uint32_t> Ids(const char* name) {
    const Napi::Value value = object_.Get(name);
    if (value.IsTypedArray() &&
        value.As<Napi::TypedArray>().TypedArrayType() == napi_uint32_array) {
      const auto array = value.As<Napi::Uint32Array>();
      return {array.Data(), array.ElementLength()};
    }
    Fail(name, "a Uint32Array");
    return {};
  }

  Napi::Array List(const char* name) {
    const Napi::Value value = object_.Get(name);
    if (value.IsArray()) return value.As<Napi::Array>();
    Fail(name, "an array");
    return Napi::Array::New(object_.Env());
  }

  void ReadRules(std::vector<SplitRule>* rules) {
    const Napi::Array names = List("splitRules");
    for (uint32_t i = 0; i < names.Length(); ++i) {
      const std::string name = names.Get(i).ToString();
      const std::optional<SplitRule> rule = FindSplitRule(name);
      if (!rule) return Fail("splitRules", "known rules");
      rules->push_back(*rule);
    }
  }

  void ReadAddedTokens(TokenizerSpec* spec) {
    const Napi::Array list = List("addedTokens");
    for (uint32_t i = 0; i < list.Length(); ++i) {
      if (!list.Get(i).IsObject()) return Fail("addedTokens", "objects");
      SpecReader reader(list.Get(i).As<Napi::Object>());
      AddedToken token;
      token.content = reader.String("content");
      token.id = static_cast<uint32_t>(reader.Count("id", MergeTable::kMaxTokens - 1));
      token.single_word = reader.Flag("singleWord");
      token.lstrip = reader.Flag("lstrip");
      token.rstrip = reader.Flag("rstrip");
      const bool normalized = reader.Flag("normalized");
      if (token.content.empty()) reader.Fail("content", "not empty");
      if (!reader.error_.empty()) return Fail("addedTokens", reader.error_.c_str());
      (normalized ? spec->normalized_tokens : spec->raw_tokens).push_back(std::move(token));
    }
  }

  void Fail(const char* name, const char* expected) {
    if (error_.empty()) error_ = std::string("TokenizerSpec.") + name + " must be " + expected;
  }

  static constexpr size_t kMaxCacheBytes = size_t{1} << 40;

  Napi::Object object_;
  std::string names_;
  std::string merges_;
  size_t cache_bytes_ = 0;
  std::string error_;
};

}  // namespace kv
