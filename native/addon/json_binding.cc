// readJson and its known texts, for JavaScript. Types and contract: src/native.ts.
#include "addon/bindings.h"
#include "core/json_known_texts.h"
#include "core/json_tape.h"

namespace kv {
namespace {

// Elements of a typed array of this type; no data if it is none.
template <typename Element>
std::span<Element> View(Napi::Env env, napi_value value, napi_typedarray_type wanted) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != wanted) {
    return {};
  }
  return {static_cast<Element*>(data), length};
}

// readJson(text: Uint8Array, tape: Uint32Array, unescaped: Uint8Array): number
Napi::Value ReadJsonOf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto text = View<const uint8_t>(env, info[0], napi_uint8_array);
  const auto tape = View<uint32_t>(env, info[1], napi_uint32_array);
  const auto unescaped = View<uint8_t>(env, info[2], napi_uint8_array);
  if (unescaped.size() < text.size() + kUnescapeSlack || text.size() > kMaxJsonBytes) {
    Napi::TypeError::New(env, "readJson takes a text, a tape and room for the unescaped text")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  size_t words = 0;
  switch (ReadJson(text, tape, unescaped, &words)) {
    case JsonResult::kRead:
      return Napi::Number::New(env, static_cast<double>(words));
    case JsonResult::kRefused:
      return Napi::Number::New(env, 0);
    case JsonResult::kNoRoom:
      return Napi::Number::New(env, -1);
  }
  return env.Undefined();
}

}  // namespace

void RegisterJson(Napi::Env env, Napi::Object exports) {
  exports.Set("readJson", Napi::Function::New(env, ReadJsonOf, "readJson"));
  const auto known = KnownJsonTexts();
  auto texts = Napi::Array::New(env, known.size());
  for (uint32_t i = 0; i < known.size(); ++i) texts.Set(i, std::string(known[i]));
  exports.Set("knownJsonTexts", texts);
  exports.Set("jsonUnescapeSlack", Napi::Number::New(env, kUnescapeSlack));
  exports.Set("maxJsonBytes", Napi::Number::New(env, static_cast<double>(kMaxJsonBytes)));
}

}  // namespace kv
