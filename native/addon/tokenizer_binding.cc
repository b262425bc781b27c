// class Tokenizer: a tokenizer model of the process and this thread's encoder for it.
#include <optional>
#include <string>

#include "addon/bindings.h"
#include "core/encoder.h"
#include "core/tokenizer_registry.h"

namespace kv {
namespace {

// Reads the fields of a TokenizerSpec (native.ts). The first one that does not fit is reported.
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

class TokenizerBinding : public Napi::ObjectWrap<TokenizerBinding> {
 public:
  static void Register(Napi::Env env, Napi::Object exports) {
    exports.Set("Tokenizer", DefineClass(env, "Tokenizer",
                                         {InstanceMethod<&TokenizerBinding::Encode>("encode"),
                                          InstanceMethod<&TokenizerBinding::Decode>("decode"),
                                          InstanceMethod<&TokenizerBinding::TokenId>("tokenId"),
                                          InstanceMethod<&TokenizerBinding::Stats>("stats")}));
  }

  // new Tokenizer(key, build): `build` is called if no thread has a model under this key.
  explicit TokenizerBinding(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<TokenizerBinding>(info) {
    if (info.Length() < 2 || !info[0].IsString() || !info[1].IsFunction()) {
      Throw(info.Env(), "Tokenizer takes a key and a function that returns a TokenizerSpec");
      return;
    }
    tokenizer_ = TokenizerRegistry::Shared().Open(
        info[0].As<Napi::String>(), [&] { return Build(info[1].As<Napi::Function>()); });
    if (tokenizer_ != nullptr) encoder_.emplace(tokenizer_);
  }

 private:
  static void Throw(Napi::Env env, const std::string& message) {
    Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  }

  static std::shared_ptr<SharedTokenizer> Build(Napi::Function build) {
    const Napi::Env env = build.Env();
    const Napi::Value value = build.Call({});
    if (env.IsExceptionPending()) return nullptr;
    if (!value.IsObject()) {
      Throw(env, "a TokenizerSpec must be an object");
      return nullptr;
    }
    SpecReader reader(value.As<Napi::Object>());
    TokenizerSpec spec;
    const bool readable = reader.Read(&spec);
    if (env.IsExceptionPending()) return nullptr;
    if (!readable) {
      Throw(env, reader.error());
      return nullptr;
    }
    std::string error;
    std::unique_ptr<const TokenizerModel> model = TokenizerModel::Build(std::move(spec), &error);
    if (model == nullptr) {
      Throw(env, error);
      return nullptr;
    }
    return std::make_shared<SharedTokenizer>(std::move(model), reader.cache_bytes());
  }

  // encode(text: string | Uint8Array, addSpecialTokens: boolean): Uint32Array
  Napi::Value Encode(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 2 || !info[1].IsBoolean()) {
      Throw(env, "encode takes a text and a boolean");
      return env.Undefined();
    }
    std::span<const uint8_t> text;
    if (!ReadText(info[0], &text)) return env.Undefined();
    const std::span<const uint32_t> ids =
        encoder_->Encode(text, info[1].As<Napi::Boolean>().Value());
    Napi::Uint32Array array = Napi::Uint32Array::New(env, ids.size());
    if (!ids.empty()) memcpy(array.Data(), ids.data(), ids.size_bytes());
    return array;
  }

  // decode(ids: Uint32Array): string
  Napi::Value Decode(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 1 || !info[0].IsTypedArray() ||
        info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
      Throw(env, "decode takes a Uint32Array");
      return env.Undefined();
    }
    const auto ids = info[0].As<Napi::Uint32Array>();
    Buffer<uint8_t> bytes;
    for (size_t i = 0; i < ids.ElementLength(); ++i) {
      tokenizer_->model->token_texts().Append(ids[i], &bytes);
    }
    // Incomplete sequences become U+FFFD.
    return Napi::String::New(env, reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  // tokenId(token: string): number | null
  Napi::Value TokenId(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 1 || !info[0].IsString()) {
      Throw(env, "tokenId takes a string");
      return env.Undefined();
    }
    const uint32_t id =
        tokenizer_->model->token_texts().Find(info[0].As<Napi::String>().Utf8Value());
    return id == kNoToken ? env.Null() : Napi::Number::New(env, id);
  }

  // stats(): SegmentCacheStats
  Napi::Value Stats(const Napi::CallbackInfo& info) {
    return StatsObject(info.Env(), tokenizer_->segments.Stats());
  }

  bool ReadText(Napi::Value value, std::span<const uint8_t>* text) {
    const Napi::Env env = value.Env();
    if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
      const auto bytes = value.As<Napi::Uint8Array>();
      *text = {bytes.Data(), bytes.ElementLength()};
    } else if (value.IsString()) {
      // The engine's own conversion to UTF-8 takes twice as long as a copy and ours.
      size_t units = 0;
      napi_get_value_string_utf16(env, value, nullptr, 0, &units);
      if (units > Encoder::kMaxTextBytes / kUtf8BytesMax) return TooLong(env);
      units_.ReleaseAbove(kMaxKeptBytes);
      input_.ReleaseAbove(kMaxKeptBytes);
      char16_t* const copy = units_.Reserve(units + 1);
      napi_get_value_string_utf16(env, value, copy, units + 1, &units);
      uint8_t* const bytes = input_.Reserve(units * kUtf8BytesMax);
      *text = {bytes, Utf16ToUtf8({copy, units}, bytes)};
    } else {
      Throw(env, "a text must be a string or a Uint8Array of UTF-8");
      return false;
    }
    return text->size() <= Encoder::kMaxTextBytes || TooLong(env);
  }

  static bool TooLong(Napi::Env env) {
    Napi::RangeError::New(env, "a text may have at most 1 GiB").ThrowAsJavaScriptException();
    return false;
  }

  static constexpr size_t kMaxKeptBytes = size_t{4} << 20;
  static constexpr size_t kUtf8BytesMax = 3;  // of a UTF-16 unit

  std::shared_ptr<SharedTokenizer> tokenizer_;
  std::optional<Encoder> encoder_;
  Buffer<char16_t> units_;
  Buffer<uint8_t> input_;
};

}  // namespace

Napi::Object StatsObject(Napi::Env env, const SegmentCacheStats& stats) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("hits", static_cast<double>(stats.hits));
  object.Set("misses", static_cast<double>(stats.misses));
  object.Set("hitBytes", static_cast<double>(stats.hit_bytes));
  object.Set("missedBytes", static_cast<double>(stats.missed_bytes));
  object.Set("bytes", static_cast<double>(stats.bytes));
  return object;
}

void RegisterTokenizer(Napi::Env env, Napi::Object exports) {
  TokenizerBinding::Register(env, exports);
}

}  // namespace kv
