#include "core/event_walker.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace kv {
namespace {

constexpr size_t kHashesAtOnce = 512;

// Last 8 bytes, big-endian, of a digest; or an integer's 64 bits, of which negative ones exist
// because vLLM's `builtin` hashes were signed.
bool ReadHash(MsgpackCursor& cursor, uint64_t& hash) noexcept {
  bool negative = false;
  if (cursor.ReadInteger(hash, negative)) return true;
  std::span<const uint8_t> digest;
  if (!cursor.ReadBytes(digest)) return false;
  if (digest.size() != 8 && digest.size() != 16 && digest.size() != 32) return false;
  hash = 0;
  for (const uint8_t byte : digest.last(8)) hash = hash << 8 | byte;
  return true;
}

bool IsName(std::string_view text, std::string_view lower_case) noexcept {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

Tier TierNamed(std::string_view medium) noexcept {
  if (IsName(medium, "gpu")) return Tier::kGpu;
  return IsName(medium, "cpu") ? Tier::kCpu : Tier::kStorage;
}

bool IsFullAttention(std::string_view kind) noexcept {
  return kind == "full_attention" || kind == "mla_attention" || kind == "sink_full_attention";
}

}  // namespace

// An event while its fields come in, in whatever order.
struct EventWalker::Walked {
  Event event;
  std::string_view tag;
  bool has_hashes = false;
  bool wrong = false;  // a field that matters is not what it must be
};

const char* EventWalker::Apply(PrefixIndex& index, uint32_t endpoint, std::optional<uint32_t> rank,
                               std::span<const uint8_t> payload, FollowedGroups groups,
                               EventCounts& counts) {
  counts = {};
  events_.clear();
  MsgpackCursor cursor(payload);
  uint64_t elements = 0;
  if (!cursor.ReadArray(elements) || elements < 2) return "the batch is no array of 2 or 3";
  if (!cursor.ReadNumber(counts.timestamp)) return "the batch's ts is no number";
  uint64_t count = 0;
  if (!cursor.ReadArray(count)) return "the batch's events are no array";
  for (uint64_t i = 0; i < count; ++i) {
    if (!WalkEvent(cursor, counts)) return "the batch breaks off";
  }
  if (elements > 2 && !cursor.ReadNil()) {
    uint64_t number = 0;
    bool negative = false;
    if (!cursor.ReadInteger(number, negative) || negative || number > UINT32_MAX) {
      return "the batch's data_parallel_rank is no small integer";
    }
    counts.rank = static_cast<uint32_t>(number);
  }
  if (rank.has_value() && counts.rank.has_value() && *rank != *counts.rank) {
    counts.ignored += static_cast<uint32_t>(events_.size());
    counts.lost_removals = 0;
  } else {
    for (const Event& event : events_) {
      ApplyEvent(event, index, endpoint, payload, groups, counts);
    }
  }
  if (events_.capacity() > kKeptEvents) events_ = {};
  return nullptr;
}

// Takes one event's fields; false when not even its end can be found.
bool EventWalker::WalkEvent(MsgpackCursor& cursor, EventCounts& counts) {
  Walked walked;
  uint64_t count = 0;
  uint32_t unknown_fields = 0;
  if (cursor.ReadMap(count)) {
    for (uint64_t i = 0; i < count; ++i) {
      std::string_view name;
      const bool named = cursor.ReadText(name);
      if (!named && !cursor.Skip(1)) return false;
      const Field field = named ? EventFieldNamed(name) : Field::kUnknown;
      unknown_fields += field == Field::kUnknown;
      WalkField(cursor, field, walked);
      if (!cursor.Skip(1)) return false;
    }
  } else if (cursor.ReadArray(count)) {
    if (count > 0) {
      WalkField(cursor, Field::kType, walked);
      if (!cursor.Skip(1)) return false;
    }
    const Kind kind = walked.tag == "BlockStored"    ? Kind::kStored
                      : walked.tag == "BlockRemoved" ? Kind::kRemoved
                                                     : Kind::kCleared;
    for (uint64_t i = 1; i < count; ++i) {
      const Field field = EventFieldAt(kind, i);
      unknown_fields += field == Field::kUnknown;
      WalkField(cursor, field, walked);
      if (!cursor.Skip(1)) return false;
    }
  } else {
    ++counts.malformed;
    return cursor.Skip(1);
  }

  if (walked.tag == "AllBlocksCleared") {
    walked.event.kind = Kind::kCleared;
  } else if (walked.tag == "BlockStored" || walked.tag == "BlockRemoved") {
    walked.event.kind = walked.tag == "BlockStored" ? Kind::kStored : Kind::kRemoved;
    walked.wrong |= !walked.has_hashes;
  } else {
    // No tag at all is an error, one that we do not know is somebody's future.
    ++(walked.tag.data() == nullptr ? counts.malformed : counts.ignored);
    return true;
  }
  if (walked.wrong) {
    ++counts.malformed;
    counts.lost_removals += walked.event.kind == Kind::kRemoved;
    return true;
  }
  counts.unknown_fields += unknown_fields;
  events_.push_back(walked.event);
  return true;
}

// Reads a field from a copy of the cursor: the caller skips the value, so that a wrong one costs
// only its own event.
void EventWalker::WalkField(MsgpackCursor cursor, Field field, Walked& walked) noexcept {
  Event& event = walked.event;
  std::string_view text;
  switch (field) {
    case Field::kType:
      if (cursor.ReadText(text)) walked.tag = text;
      return;
    case Field::kBlockHashes:
      return WalkHashes(cursor, walked);
    case Field::kParent: {
      event.parent = 0;
      if (cursor.ReadNil()) return;
      event.parent = static_cast<uint32_t>(cursor.offset());
      uint64_t hash = 0;
      walked.wrong |= !ReadHash(cursor, hash);
      return;
    }
    case Field::kMedium:
      event.tier = Tier::kGpu;
      if (cursor.ReadNil()) return;
      walked.wrong |= !cursor.ReadText(text);
      event.tier = TierNamed(text);
      return;
    case Field::kGroup: {
      event.group = kNoGroup;
      if (cursor.ReadNil()) return;
      uint64_t number = 0;
      bool negative = false;
      walked.wrong |= !cursor.ReadInteger(number, negative) || negative;
      event.group = static_cast<uint16_t>(std::min<uint64_t>(number, kMaxGroups));
      return;
    }
    case Field::kAttention:
      event.attention = Attention::kUnnamed;
      if (cursor.ReadNil()) return;
      walked.wrong |= !cursor.ReadText(text);
      event.attention = IsFullAttention(text) ? Attention::kFull : Attention::kPartial;
      return;
    case Field::kTokens: {
      uint64_t count = 0;
      event.has_tokens = cursor.ReadArray(count) && count > 0;
      return;
    }
    case Field::kBlockSize: {
      uint64_t size = 0;
      bool negative = false;
      const bool is_size = cursor.ReadInteger(size, negative) && !negative && size <= UINT32_MAX;
      event.block_size = is_size ? static_cast<uint32_t>(size) : 0;
      return;
    }
    case Field::kAdapter:
      event.has_keys |= !cursor.ReadNil();
      return;
    case Field::kExtraKeys: {
      uint64_t blocks = 0;
      if (cursor.ReadNil() || !cursor.ReadArray(blocks)) return;
      while (blocks > 0 && cursor.ReadNil()) --blocks;
      event.has_keys |= blocks > 0;
      return;
    }
    case Field::kSkipped:
    case Field::kUnknown:
      return;
  }
}

void EventWalker::WalkHashes(MsgpackCursor cursor, Walked& walked) noexcept {
  uint64_t count = 0;
  walked.has_hashes = cursor.ReadArray(count);
  walked.event.hashes = static_cast<uint32_t>(cursor.offset());
  walked.event.hash_count = static_cast<uint32_t>(count);
  for (uint64_t i = 0; i < count && walked.has_hashes; ++i) {
    uint64_t hash = 0;
    walked.has_hashes = ReadHash(cursor, hash);
  }
}

// Whether the event's blocks belong to a group in which every hit needs every block. Learns from
// stores what removals do not say.
bool EventWalker::Follows(const Event& event, FollowedGroups groups) noexcept {
  // An engine that names no kind has one group, or calls its main group 0.
  const bool full = event.attention == Attention::kUnnamed
                        ? event.group == kNoGroup || event.group == 0
                        : event.attention == Attention::kFull;
  if (event.group == kNoGroup) return event.kind == Kind::kRemoved || full;
  if (event.group >= kMaxGroups) return false;
  uint32_t& word = groups[event.group / 32];
  const uint32_t bit = uint32_t{1} << event.group % 32;
  if (event.kind == Kind::kStored) word = full ? word | bit : word & ~bit;
  return (word & bit) != 0;
}

void EventWalker::ApplyEvent(const Event& event, PrefixIndex& index, uint32_t endpoint,
                             std::span<const uint8_t> payload, FollowedGroups groups,
                             EventCounts& counts) {
  if (event.kind == Kind::kCleared) {
    ++counts.cleared;
    // Offloaded blocks survive a reset of the engine's own cache.
    index.Clear(endpoint, Tier::kGpu);
    return;
  }
  if (!Follows(event, groups)) {
    ++counts.ignored;
    return;
  }
  ++(event.kind == Kind::kStored ? counts.stored : counts.removed);
  if (event.kind == Kind::kStored && event.parent == 0 && event.has_tokens) {
    counts.keyed_roots += event.has_keys;
    counts.root_block_size = std::max(counts.root_block_size, event.block_size);
  }

  std::optional<uint64_t> parent;
  if (event.parent != 0) {
    MsgpackCursor cursor(payload, event.parent);
    uint64_t hash = 0;
    if (ReadHash(cursor, hash)) parent = hash;
  }
  std::array<uint64_t, kHashesAtOnce> hashes;
  MsgpackCursor cursor(payload, event.hashes);
  for (uint32_t done = 0; done < event.hash_count;) {
    const size_t part = std::min<size_t>(event.hash_count - done, hashes.size());
    for (size_t i = 0; i < part; ++i) {
      // Cannot fail: the hashes have been walked before.
      if (!ReadHash(cursor, hashes[i])) return;
    }
    const std::span<const uint64_t> given(hashes.data(), part);
    if (event.kind == Kind::kStored) {
      counts.stored_blocks += index.Store(endpoint, event.tier, given, parent);
      parent = hashes[part - 1];
    } else {
      counts.removed_blocks += index.Remove(endpoint, event.tier, given);
    }
    done += static_cast<uint32_t>(part);
  }
}

}  // namespace kv
