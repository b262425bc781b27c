// Arguments of the binding files: checked, and viewed without a copy. What is wrong leaves nothing
// and a pending TypeError that names it.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace kv {

inline void ThrowTypeError(Napi::Env env, const std::string& message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
}

// The elements of a typed array. Valid until the call returns to JavaScript.
template <typename Element>
std::optional<std::span<Element>> Elements(Napi::Env env, napi_value value,
                                           napi_typedarray_type wanted, const char* what) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != wanted) {
    ThrowTypeError(env, what);
    return std::nullopt;
  }
  return std::span<Element>(static_cast<Element*>(data), length);
}

// A whole number below `limit`.
inline std::optional<uint32_t> Integer(const Napi::Value& value, uint32_t limit, const char* name) {
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= 0 && number < limit && number == std::floor(number)) {
      return static_cast<uint32_t>(number);
    }
  }
  ThrowTypeError(value.Env(), std::string(name) + " must be an integer from 0 to " +
                                  std::to_string(limit - 1) + ", not " +
                                  value.ToString().Utf8Value());
  return std::nullopt;
}

}  // namespace kv
