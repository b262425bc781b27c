// Applies vLLM's KV event batches to the prefix index without building objects: raw msgpack in,
// Store, Remove and Clear out. Forms and rules: BlockStored, BlockRemoved and AllBlocksCleared as
// arrays (vLLM 0.9 to 0.23) or maps (since 0.24), any fields before or after those that matter.
//
// A batch is walked once before anything is applied, so that one which breaks off changes nothing,
// and because its data-parallel rank comes last. An event that is not what it claims to be is
// counted and left out; the events around it count.
//
// Thread safety: one walker belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/event_fields.h"
#include "core/msgpack_cursor.h"
#include "core/prefix_index.h"

namespace kv {

// Groups of a hybrid model's KV cache that an endpoint's index follows, one bit each; kept by the
// caller, with the endpoint. Removals name no kind, so what the stores of a group said decides
// about its removals. Groups with a higher number are not followed: no model has as many.
inline constexpr uint32_t kMaxGroups = 256;
using FollowedGroups = std::span<uint32_t, kMaxGroups / 32>;

struct EventCounts {
  double timestamp = 0;          // unix time in seconds
  std::optional<uint32_t> rank;  // data-parallel rank of the batch
  // Events.
  uint32_t stored = 0;
  uint32_t removed = 0;
  uint32_t cleared = 0;
  uint32_t malformed = 0;
  uint32_t ignored = 0;  // unknown tag, other rank, group that is not followed
  // Keys that are new to us, in events that are not.
  uint32_t unknown_fields = 0;
  // Blocks that the index recorded, and knew.
  uint64_t stored_blocks = 0;
  uint64_t removed_blocks = 0;
  // Removals among the malformed: what they took away is not known.
  uint32_t lost_removals = 0;
  // Stores from the start of a prompt, with their tokens: how many have keys (an adapter, a salt,
  // media), and the largest block size among them. They can prove more than the first such run did.
  uint32_t keyed_roots = 0;
  uint32_t root_block_size = 0;
};

class EventWalker {
 public:
  EventWalker() = default;
  EventWalker(const EventWalker&) = delete;
  EventWalker& operator=(const EventWalker&) = delete;

  // Applies one batch; null, or why it cannot be read, in which case nothing was applied. With a
  // rank, batches of other ranks are ignored. REQUIRES: payload is shorter than 2^32 bytes.
  [[nodiscard]] const char* Apply(PrefixIndex& index, uint32_t endpoint,
                                  std::optional<uint32_t> rank, std::span<const uint8_t> payload,
                                  FollowedGroups groups, EventCounts& counts);

 private:
  using Kind = EventKind;
  using Field = EventField;
  enum class Attention : uint8_t { kUnnamed, kFull, kPartial };

  // What is left of an event once it has been walked: where its hashes are.
  struct Event {
    uint32_t hashes = 0;  // offset of the first
    uint32_t hash_count = 0;
    uint32_t parent = 0;  // offset; 0: none
    uint16_t group = kNoGroup;
    Kind kind = Kind::kCleared;
    Tier tier = Tier::kGpu;
    Attention attention = Attention::kUnnamed;
    bool has_tokens = false;
    bool has_keys = false;
    uint32_t block_size = 0;
  };
  static constexpr uint16_t kNoGroup = 0xffff;
  // A burst of evictions is one event a block; beyond that the memory is not kept.
  static constexpr size_t kKeptEvents = size_t{1} << 16;

  struct Walked;

  [[nodiscard]] bool WalkEvent(MsgpackCursor& cursor, EventCounts& counts);
  static void WalkField(MsgpackCursor cursor, Field field, Walked& walked) noexcept;
  static void WalkHashes(MsgpackCursor cursor, Walked& walked) noexcept;
  [[nodiscard]] static bool Follows(const Event& event, FollowedGroups groups) noexcept;
  static void ApplyEvent(const Event& event, PrefixIndex& index, uint32_t endpoint,
                         std::span<const uint8_t> payload, FollowedGroups groups,
                         EventCounts& counts);

  std::vector<Event> events_;
};

}  // namespace kv
