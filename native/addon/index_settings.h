// The IndexOptions (src/native.ts) that JavaScript gives, checked.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "addon/typed_arguments.h"
#include "core/prefix_index.h"

namespace kv {

// What is wrong leaves nothing and a pending TypeError that names it.
inline std::optional<IndexSettings> ReadIndexSettings(Napi::Env env, const Napi::Value& value) {
  if (!value.IsObject()) {
    ThrowTypeError(env, "PrefixIndex takes an object of options");
    return std::nullopt;
  }
  const auto options = value.As<Napi::Object>();
  // Full credit for GPU memory; what must be loaded first, or is only expected, counts less.
  IndexSettings settings{0, {256, 205, 128, 192}};
  const Napi::Value max_bytes = options.Get("maxBytes");
  const double bytes = max_bytes.IsNumber() ? max_bytes.As<Napi::Number>().DoubleValue() : 0;
  if (!(bytes >= PrefixIndex::kMinBytes && bytes <= 0x1p53)) {
    ThrowTypeError(env, "maxBytes must be a number from " + std::to_string(PrefixIndex::kMinBytes) +
                            " to 2^53, not " + max_bytes.ToString().Utf8Value());
    return std::nullopt;
  }
  settings.max_bytes = static_cast<uint64_t>(bytes);
  const Napi::Value weights = options.Get("tierWeights");
  if (weights.IsUndefined()) return settings;
  for (uint32_t tier = 0; tier < kTiers; ++tier) {
    const Napi::Value weight =
        weights.IsArray() ? weights.As<Napi::Array>().Get(tier) : env.Undefined();
    const double share = weight.IsNumber() ? weight.As<Napi::Number>().DoubleValue() : -1;
    if (!(share >= 0 && share <= 1)) {
      ThrowTypeError(env, "tierWeights must be four numbers from 0 to 1");
      return std::nullopt;
    }
    settings.tier_credits[tier] = static_cast<uint16_t>(std::lround(share * 256));
  }
  return settings;
}

}  // namespace kv
