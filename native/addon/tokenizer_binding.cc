// class Tokenizer: a tokenizer model of the process and this thread's encoder for it.
#include <algorithm>
#include <optional>
#include <string>

#include "addon/bindings.h"
#include "addon/hash_input.h"
#include "addon/tokenizer_spec_reader.h"
#include "core/encoder.h"
#include "core/prompt_hasher.h"
#include "core/tokenizer_registry.h"

namespace kv {
namespace {

class TokenizerBinding : public Napi::ObjectWrap<TokenizerBinding> {
 public:
  static void Register(Napi::Env env, Napi::Object exports) {
    exports.Set("Tokenizer",
                DefineClass(env, "Tokenizer",
                            {InstanceMethod<&TokenizerBinding::Encode>("encode"),
                             InstanceMethod<&TokenizerBinding::HashPrompt>("hashPrompt"),
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
    if (tokenizer_ == nullptr) return;
    encoder_.emplace(tokenizer_);
    prompt_hasher_.emplace(*encoder_);
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

  // hashPrompt(texts: string[], input: PromptHashInput, newBytesMax: number, counts: Uint32Array):
  // BigUint64Array | null
  Napi::Value HashPrompt(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 4 || !info[0].IsArray() || !info[2].IsNumber() ||
        !IsTyped(info[3], napi_uint32_array) || ViewOf<uint32_t>(info[3]).empty()) {
      Throw(env, "hashPrompt takes texts, a PromptHashInput, a number and a Uint32Array");
      return env.Undefined();
    }
    const HashInput input(info[1], HashInput::Kind::kText);
    if (!input.problem.empty()) {
      input.ThrowProblem(env);
      return env.Undefined();
    }
    const double newest = info[2].As<Napi::Number>().DoubleValue();
    const size_t new_bytes_max =
        newest < Encoder::kMaxTextBytes ? static_cast<size_t>(std::max(newest, 0.0)) : SIZE_MAX;
    if (!ReadTexts(info[0].As<Napi::Array>())) return env.Undefined();
    switch (prompt_hasher_->Hash({input_.data(), input_.size()},
                                 input.Chain(std::span<const uint32_t>()), new_bytes_max)) {
      case PromptHasher::Outcome::kTooMuchNew:
        return env.Null();
      case PromptHasher::Outcome::kUnhashable:
        Napi::RangeError::New(env, "a pickled block exceeds one frame of 64 KiB")
            .ThrowAsJavaScriptException();
        return env.Undefined();
      case PromptHasher::Outcome::kHashed:
        break;
    }
    info[3].As<Napi::Uint32Array>()[0] = static_cast<uint32_t>(prompt_hasher_->token_count());
    const std::span<const uint64_t> values = prompt_hasher_->values();
    auto hashes = Napi::BigUint64Array::New(env, values.size());
    if (!values.empty()) memcpy(hashes.Data(), values.data(), values.size_bytes());
    return hashes;
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

  // stats(): TokenizerCacheStats
  Napi::Value Stats(const Napi::CallbackInfo& info) {
    Napi::Object stats = Napi::Object::New(info.Env());
    stats.Set("texts", StatsObject(info.Env(), tokenizer_->segments.Stats()));
    stats.Set("prompts", StatsObject(info.Env(), tokenizer_->stretches.Stats()));
    return stats;
  }

  bool ReadText(Napi::Value value, std::span<const uint8_t>* text) {
    const Napi::Env env = value.Env();
    if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
      const auto bytes = value.As<Napi::Uint8Array>();
      *text = {bytes.Data(), bytes.ElementLength()};
      return text->size() <= Encoder::kMaxTextBytes || TooLong(env);
    }
    input_.ReleaseAbove(kMaxKeptBytes);
    if (!AppendString(env, value)) return false;
    *text = {input_.data(), input_.size()};
    return true;
  }

  // Leaves the UTF-8 of all texts in input_.
  bool ReadTexts(Napi::Array texts) {
    const Napi::Env env = texts.Env();
    input_.ReleaseAbove(kMaxKeptBytes);
    const uint32_t count = texts.Length();
    for (uint32_t i = 0; i < count; ++i) {
      // Of a long list every handle would live until the call returns.
      const Napi::HandleScope scope(env);
      if (!AppendString(env, texts.Get(i))) return false;
    }
    return true;
  }

  // Appends the UTF-8 of a string to input_. The engine's own conversion takes twice as long as a
  // copy and ours.
  bool AppendString(Napi::Env env, napi_value value) {
    size_t units = 0;
    if (napi_get_value_string_utf16(env, value, nullptr, 0, &units) != napi_ok) {
      Throw(env, "a text must be a string or a Uint8Array of UTF-8");
      return false;
    }
    if (units > Encoder::kMaxTextBytes / kUtf8BytesMax) return TooLong(env);
    units_.ReleaseAbove(kMaxKeptBytes);
    char16_t* const copy = units_.Reserve(units + 1);
    napi_get_value_string_utf16(env, value, copy, units + 1, &units);
    input_.Grow(Utf16ToUtf8({copy, units}, input_.Reserve(units * kUtf8BytesMax)));
    return input_.size() <= Encoder::kMaxTextBytes || TooLong(env);
  }

  static bool TooLong(Napi::Env env) {
    Napi::RangeError::New(env, "a text may have at most 1 GiB").ThrowAsJavaScriptException();
    return false;
  }

  static constexpr size_t kMaxKeptBytes = size_t{4} << 20;
  static constexpr size_t kUtf8BytesMax = 3;  // of a UTF-16 unit

  std::shared_ptr<SharedTokenizer> tokenizer_;
  std::optional<Encoder> encoder_;
  std::optional<PromptHasher> prompt_hasher_;
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
