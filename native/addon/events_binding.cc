// applyEvents: one batch of KV events into the index.
#include <optional>

#include "addon/bindings.h"
#include "addon/typed_arguments.h"

namespace kv {
namespace {

// Order of EVENT_COUNT in native.ts.
constexpr size_t kCounts = 13;

void WriteCounts(const EventCounts& counts, std::span<double> out) {
  size_t at = 0;
  out[at++] = counts.timestamp;
  out[at++] = counts.rank.has_value() ? static_cast<double>(*counts.rank) : -1;
  out[at++] = counts.stored;
  out[at++] = counts.removed;
  out[at++] = counts.cleared;
  out[at++] = counts.malformed;
  out[at++] = counts.ignored;
  out[at++] = counts.unknown_fields;
  out[at++] = static_cast<double>(counts.stored_blocks);
  out[at++] = static_cast<double>(counts.removed_blocks);
  out[at++] = counts.lost_removals;
  out[at++] = counts.keyed_roots;
  out[at++] = counts.root_block_size;
}

Napi::Value ApplyEvents(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<PrefixIndex> index = IndexOf(env, info[0]);
  if (index == nullptr) return env.Undefined();
  const std::optional<uint32_t> endpoint = Integer(info[1], kMaxEndpoints, "endpoint");
  if (!endpoint.has_value()) return env.Undefined();
  std::optional<uint32_t> rank;
  if (!info[2].IsNull()) {
    rank = Integer(info[2], UINT32_MAX, "rank");
    if (!rank.has_value()) return env.Undefined();
  }
  const auto payload =
      Elements<const uint8_t>(env, info[3], napi_uint8_array, "payload must be a Uint8Array");
  if (!payload.has_value()) return env.Undefined();
  constexpr const char* kGroups = "groups must be a Uint32Array of 8";
  const auto groups = Elements<uint32_t>(env, info[4], napi_uint32_array, kGroups);
  if (!groups.has_value()) return env.Undefined();
  constexpr const char* kCountsExpected = "counts must be a Float64Array of 13";
  const auto out = Elements<double>(env, info[5], napi_float64_array, kCountsExpected);
  if (!out.has_value()) return env.Undefined();
  if (groups->size() != FollowedGroups::extent || out->size() != kCounts ||
      payload->size() > UINT32_MAX) {
    ThrowTypeError(env, groups->size() != FollowedGroups::extent ? kGroups
                        : out->size() != kCounts                 ? kCountsExpected
                                                                 : "payload is too long");
    return env.Undefined();
  }

  EventCounts counts;
  EventWalker& walker = env.GetInstanceData<ThreadState>()->event_walker;
  const char* const fault = walker.Apply(*index, *endpoint, rank, *payload,
                                         FollowedGroups(groups->data(), groups->size()), counts);
  WriteCounts(counts, *out);
  if (fault != nullptr) return Napi::String::New(env, fault);
  return env.Null();
}

}  // namespace

void RegisterEvents(Napi::Env env, Napi::Object exports) {
  exports.Set("applyEvents", Napi::Function::New<ApplyEvents>(env, "applyEvents"));
}

}  // namespace kv
