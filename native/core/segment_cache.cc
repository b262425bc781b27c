#include "core/segment_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace kv {
namespace {

// One slot for this many bytes of a ring: entries of a kilobyte of text are twice as large.
constexpr size_t kBytesPerSlot = 512;
// A text may take this share of a ring.
constexpr size_t kLargestShare = 8;

}  // namespace

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

bool SegmentCache::Find(std::span<const uint8_t> text, uint64_t hash, Buffer<uint32_t>* ids) {
  Shard& shard = shards_[hash % kShards];
  const std::lock_guard<std::mutex> lock(shard.mutex);
  if (shard.ring != nullptr) {
    Slot* const bucket = Bucket(shard, hash);
    for (Slot* slot = bucket; slot != bucket + kWays; ++slot) {
      if (slot->hash != hash || !IsAlive(shard, *slot)) continue;
      const uint8_t* entry = &shard.ring[(slot->position - 1) % ring_bytes_];
      Header header;
      memcpy(&header, entry, sizeof header);
      const uint8_t* const entry_ids = entry + sizeof header;
      const size_t id_bytes = header.id_count * sizeof(uint32_t);
      if (header.text_bytes != text.size() ||
          memcmp(entry_ids + id_bytes, text.data(), text.size()) != 0) {
        continue;
      }
      uint32_t* const found = ids->Reserve(header.id_count);
      memcpy(found, entry_ids, id_bytes);
      ids->Grow(header.id_count);
      ++shard.stats.hits;
      shard.stats.hit_bytes += text.size();
      if (shard.head - (slot->position - 1) > ring_bytes_ / 2) {
        *slot = {};
        Append(shard, text, hash, {found, header.id_count});
      }
      return true;
    }
  }
  ++shard.stats.misses;
  shard.stats.missed_bytes += text.size();
  return false;
}

void SegmentCache::Store(std::span<const uint8_t> text, uint64_t hash,
                         std::span<const uint32_t> ids) {
  if (sizeof(Header) + text.size() + ids.size_bytes() > ring_bytes_ / kLargestShare) return;
  Shard& shard = shards_[hash % kShards];
  const std::lock_guard<std::mutex> lock(shard.mutex);
  if (shard.ring == nullptr) {
    // Not initialised: the system gives the pages as they are first written.
    shard.ring.reset(new uint8_t[ring_bytes_]);
    shard.slots.reset(new Slot[bucket_count_ * kWays]);
  }
  Append(shard, text, hash, ids);
}

void SegmentCache::Append(Shard& shard, std::span<const uint8_t> text, uint64_t hash,
                          std::span<const uint32_t> ids) const {
  const Header header{hash, static_cast<uint32_t>(text.size()), static_cast<uint32_t>(ids.size())};
  const size_t needed = (sizeof header + ids.size_bytes() + text.size() + 7) & ~size_t{7};
  // An entry does not wrap: what is left of this lap stays unused.
  size_t at = shard.head % ring_bytes_;
  if (at + needed > ring_bytes_) {
    shard.head += ring_bytes_ - at;
    at = 0;
  }
  uint8_t* const entry = &shard.ring[at];
  memcpy(entry, &header, sizeof header);
  memcpy(entry + sizeof header, ids.data(), ids.size_bytes());
  memcpy(entry + sizeof header + ids.size_bytes(), text.data(), text.size());

  Slot* const bucket = Bucket(shard, hash);
  Slot* const oldest = std::min_element(
      bucket, bucket + kWays, [](const Slot& a, const Slot& b) { return a.position < b.position; });
  *oldest = {hash, shard.head + 1};
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
