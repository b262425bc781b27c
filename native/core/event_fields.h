// The fields of vLLM's KV events: by name in the map form, by position in the array form.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace kv {

enum class EventKind : uint8_t { kStored, kRemoved, kCleared };

enum class EventField : uint8_t {
  kType,
  kBlockHashes,
  kParent,
  kMedium,
  kGroup,
  kAttention,
  kTokens,
  kBlockSize,
  kAdapter,
  kExtraKeys,
  kSkipped,
  kUnknown,
};

[[nodiscard]] inline EventField EventFieldNamed(std::string_view name) noexcept {
  constexpr std::array<std::pair<std::string_view, EventField>, 15> kFields = {{
      {"type", EventField::kType},
      {"block_hashes", EventField::kBlockHashes},
      {"parent_block_hash", EventField::kParent},
      {"token_ids", EventField::kTokens},
      {"block_size", EventField::kBlockSize},
      {"lora_id", EventField::kAdapter},
      {"medium", EventField::kMedium},
      {"lora_name", EventField::kAdapter},
      {"extra_keys", EventField::kExtraKeys},
      {"group_idx", EventField::kGroup},
      {"kv_cache_spec_kind", EventField::kAttention},
      {"kv_cache_spec_sliding_window", EventField::kSkipped},
      {"locality", EventField::kSkipped},
      {"ownership", EventField::kSkipped},
      {"session_id", EventField::kSkipped},
  }};
  for (const auto& [known, field] : kFields) {
    if (known == name) return field;
  }
  return EventField::kUnknown;
}

// Fields of the array form; position 0 is the tag. Later generations only appended.
[[nodiscard]] inline EventField EventFieldAt(EventKind kind, uint64_t position) noexcept {
  using enum EventField;
  // block_hashes, parent_block_hash, token_ids, block_size, lora_id, medium, lora_name, extra_keys,
  // group_idx, kv_cache_spec_kind, kv_cache_spec_sliding_window, locality, ownership, session_id
  constexpr std::array kStoredFields = {kType,      kBlockHashes, kParent,  kTokens,    kBlockSize,
                                        kAdapter,   kMedium,      kAdapter, kExtraKeys, kGroup,
                                        kAttention, kSkipped,     kSkipped, kSkipped,   kSkipped};
  // block_hashes, medium, group_idx, locality, ownership
  constexpr std::array kRemovedFields = {kType, kBlockHashes, kMedium, kGroup, kSkipped, kSkipped};
  switch (kind) {
    case EventKind::kStored:
      return position < kStoredFields.size() ? kStoredFields[position] : kUnknown;
    case EventKind::kRemoved:
      return position < kRemovedFields.size() ? kRemovedFields[position] : kUnknown;
    default:
      return kUnknown;
  }
}

}  // namespace kv
