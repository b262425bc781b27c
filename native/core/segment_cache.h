// Token ids of pieces of text that some thread has tokenized before: what makes the next turn of a
// conversation cost only its new text. Lookups compare all bytes of the text.
//
// Memory is a ring for each shard, written in order; what the head runs over is forgotten. An entry
// that is hit while it is among the older half is written again, so what is in use stays:
//
//   ring    | newer entries | head > | oldest entries ... |
//   entry   hash, sizes, ids, text
//   bucket  four entries' hashes and positions; the oldest one makes room
//
// Thread safety: all functions, any thread. Progress: blocking, for the copy of one entry.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "core/buffer.h"

namespace kv {

struct SegmentCacheStats {
  uint64_t hits = 0;
  uint64_t misses = 0;
  // Bytes of text that were found, and that were not.
  uint64_t hit_bytes = 0;
  uint64_t missed_bytes = 0;
  // Memory taken so far; grows to the bound.
  uint64_t bytes = 0;
};

class SegmentCache {
 public:
  // Holds at most about `max_bytes`; 0 turns it off.
  explicit SegmentCache(size_t max_bytes);

  bool enabled() const { return ring_bytes_ != 0; }

  // Appends the ids of `text` and returns true if it is known.
  // REQUIRES: `hash` is HashBytes of the text, here and below.
  bool Find(std::span<const uint8_t> text, uint64_t hash, Buffer<uint32_t>* ids);

  // Remembers `text` unless it would fill too much of a ring.
  void Store(std::span<const uint8_t> text, uint64_t hash, std::span<const uint32_t> ids);

  SegmentCacheStats Stats() const;

 private:
  static constexpr size_t kShards = 16;
  static constexpr size_t kWays = 4;

  struct Slot {
    uint64_t hash = 0;
    uint64_t position = 0;  // bytes written to the ring before the entry, plus one; 0: empty
  };
  struct Header {
    uint64_t hash;
    uint32_t text_bytes;
    uint32_t id_count;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unique_ptr<uint8_t[]> ring;
    std::unique_ptr<Slot[]> slots;
    uint64_t head = 0;  // bytes ever written, the unused ends of laps included
    SegmentCacheStats stats;
  };

  Slot* Bucket(Shard& shard, uint64_t hash) const;
  bool IsAlive(const Shard& shard, const Slot& slot) const;
  void Append(Shard& shard, std::span<const uint8_t> text, uint64_t hash,
              std::span<const uint32_t> ids) const;

  const size_t ring_bytes_;
  const size_t bucket_count_;
  std::unique_ptr<Shard[]> shards_;
};

}  // namespace kv
