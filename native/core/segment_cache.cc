#include "core/segment_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/word_key.h"

namespace kv {
namespace {

// One slot for this many bytes of a ring: entries of a kilobyte of text are twice as large.
constexpr size_t kBytesPerSlot = 512;
// A text may take this share of a ring.
constexpr size_t kLargestShare = 8;

}  // namespace

SegmentKey MakeSegmentKey(std::span<const uint8_t> context, std::span<const uint8_t> text) {
  const uint64_t hash = HashBytes(text.data(), text.size());
  if (context.empty()) return {context, text, hash};
  return {context, text, FoldMultiply(hash, HashBytes(context.data(), context.size()) | 1)};
}

SegmentCache::SegmentCache(size_t max_bytes)
    // A slot takes 16 bytes of every kBytesPerSlot.
    : ring_bytes_(max_bytes / kShards / (kBytesPerSlot + sizeof(Slot)) * kBytesPerSlot),
      bucket_count_(std::bit_floor(std::max<size_t>(ring_bytes_ / kBytesPerSlot / kWays, 1))),
      shards_(new Shard[kShards]) {}

// The low bits choose the shard, the high ones the bucket.
SegmentCache::Slot* SegmentCache::Bucket(Shard& shard, uint64_t hash) const {
  return &shard.slots[(hash >> 32 & (bucket_count_ - 1)) * kWays];
}

bool SegmentCache::IsAlive(const Shard& shard, const Slot& slot) const {
  return slot.position != 0 && shard.head - (slot.position - 1) <= ring_bytes_;
}

// Whether the entry is that of `key`, all bytes compared.
bool SegmentCache::Holds(const uint8_t* entry, const Header& header, const SegmentKey& key) {
  if (header.text_bytes != key.text.size() || header.context_bytes != key.context.size()) {
    return false;
  }
  const uint8_t* const context = entry + sizeof header + header.word_count * sizeof(uint32_t);
  return (key.context.empty() || memcmp(context, key.context.data(), key.context.size()) == 0) &&
         memcmp(context + key.context.size(), key.text.data(), key.text.size()) == 0;
}

bool SegmentCache::Find(const SegmentKey& key, Buffer<uint32_t>* words) {
  Shard& shard = shards_[key.hash % kShards];
  const std::lock_guard<std::mutex> lock(shard.mutex);
  if (shard.ring != nullptr) {
    Slot* const bucket = Bucket(shard, key.hash);
    for (Slot* slot = bucket; slot != bucket + kWays; ++slot) {
      if (slot->hash != key.hash || !IsAlive(shard, *slot)) continue;
      const uint8_t* entry = &shard.ring[(slot->position - 1) % ring_bytes_];
      Header header;
      memcpy(&header, entry, sizeof header);
      if (!Holds(entry, header, key)) continue;
      uint32_t* const found = words->Reserve(header.word_count);
      memcpy(found, entry + sizeof header, header.word_count * sizeof(uint32_t));
      words->Grow(header.word_count);
      ++shard.stats.hits;
      shard.stats.hit_bytes += key.text.size();
      if (shard.head - (slot->position - 1) > ring_bytes_ / 2) {
        *slot = {};
        Append(shard, key, {found, header.word_count});
      }
      return true;
    }
  }
  ++shard.stats.misses;
  shard.stats.missed_bytes += key.text.size();
  return false;
}

void SegmentCache::Store(const SegmentKey& key, std::span<const uint32_t> words) {
  const size_t bytes = sizeof(Header) + key.context.size() + key.text.size() + words.size_bytes();
  if (bytes > ring_bytes_ / kLargestShare) return;
  Shard& shard = shards_[key.hash % kShards];
  const std::lock_guard<std::mutex> lock(shard.mutex);
  if (shard.ring == nullptr) {
    // Not initialised: the system gives the pages as they are first written.
    shard.ring.reset(new uint8_t[ring_bytes_]);
    shard.slots.reset(new Slot[bucket_count_ * kWays]);
  }
  Append(shard, key, words);
}

void SegmentCache::Append(Shard& shard, const SegmentKey& key,
                          std::span<const uint32_t> words) const {
  const Header header{key.hash, static_cast<uint32_t>(key.context.size()),
                      static_cast<uint32_t>(key.text.size()), static_cast<uint32_t>(words.size()),
                      0};
  const size_t needed =
      (sizeof header + words.size_bytes() + key.context.size() + key.text.size() + 7) & ~size_t{7};
  // An entry does not wrap: what is left of this lap stays unused.
  size_t at = shard.head % ring_bytes_;
  if (at + needed > ring_bytes_) {
    shard.head += ring_bytes_ - at;
    at = 0;
  }
  uint8_t* entry = &shard.ring[at];
  const auto append = [&entry](const void* bytes, size_t size) {
    if (size != 0) memcpy(entry, bytes, size);
    entry += size;
  };
  append(&header, sizeof header);
  append(words.data(), words.size_bytes());
  append(key.context.data(), key.context.size());
  append(key.text.data(), key.text.size());

  Slot* const bucket = Bucket(shard, key.hash);
  Slot* const oldest = std::min_element(
      bucket, bucket + kWays, [](const Slot& a, const Slot& b) { return a.position < b.position; });
  *oldest = {key.hash, shard.head + 1};
  shard.head += needed;
  shard.stats.bytes = std::min<uint64_t>(shard.head, ring_bytes_);
}

SegmentCacheStats SegmentCache::Stats() const {
  SegmentCacheStats sum;
  for (size_t i = 0; i < kShards; ++i) {
    const std::lock_guard<std::mutex> lock(shards_[i].mutex);
    const SegmentCacheStats& stats = shards_[i].stats;
    sum.hits += stats.hits;
    sum.misses += stats.misses;
    sum.hit_bytes += stats.hit_bytes;
    sum.missed_bytes += stats.missed_bytes;
    sum.bytes += stats.bytes;
  }
  return sum;
}

}  // namespace kv
