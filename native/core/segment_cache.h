// What some thread has found out about pieces of text before, as 32-bit words (token ids, mostly):
// what makes the next turn of a conversation cost only its new text. Lookups compare all bytes.
//
// Memory is a ring for each shard, written in order; what the head runs over is forgotten. An entry
// that is hit while it is among the older half is written again, so what is in use stays:
//
//   ring    | newer entries | head > | oldest entries ... |
//   entry   hash, sizes, words, context, text
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

// What an entry is known by.
struct SegmentKey {
  // All that the words depend on besides the text; empty if there is nothing else.
  std::span<const uint8_t> context;
  std::span<const uint8_t> text;
  uint64_t hash;
};

SegmentKey MakeSegmentKey(std::span<const uint8_t> context, std::span<const uint8_t> text);

class SegmentCache {
 public:
  // Holds at most about `max_bytes`; 0 turns it off.
  explicit SegmentCache(size_t max_bytes);

  bool enabled() const { return ring_bytes_ != 0; }

  // Appends the words of `key` and returns true if it is known.
  bool Find(const SegmentKey& key, Buffer<uint32_t>* words);

  // Remembers `key` unless it would fill too much of a ring.
  void Store(const SegmentKey& key, std::span<const uint32_t> words);

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
    uint32_t context_bytes;
    uint32_t text_bytes;
    uint32_t word_count;
    uint32_t unused;
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
  static bool Holds(const uint8_t* entry, const Header& header, const SegmentKey& key);
  void Append(Shard& shard, const SegmentKey& key, std::span<const uint32_t> words) const;

  const size_t ring_bytes_;
  const size_t bucket_count_;
  std::unique_ptr<Shard[]> shards_;
};

}  // namespace kv
