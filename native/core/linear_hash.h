// Chained hash table of nodes that live elsewhere. It grows by one bucket an insertion (linear
// hashing), so that no insertion ever stops to rehash.
//
// Thread safety: none; the writer's alone.
// A Node has `Node* next` and `uint64_t hash`.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/memory_region.h"

namespace kv {

template <typename Node>
class LinearHash {
 public:
  explicit LinearHash(MemoryBudget& budget) : budget_(budget) { AddSegment(); }
  ~LinearHash() { budget_.Give(segments_.size() * kSegmentBytes); }
  LinearHash(const LinearHash&) = delete;
  LinearHash& operator=(const LinearHash&) = delete;

  [[nodiscard]] uint64_t size() const noexcept { return size_; }

  // First node with this hash for which `equal(node)` holds, or null.
  template <typename Equal>
  [[nodiscard]] Node* Find(uint64_t hash, Equal&& equal) const {
    for (Node* node = Chain(BucketOf(hash)); node != nullptr; node = node->next) {
      if (node->hash == hash && equal(*node)) return node;
    }
    return nullptr;
  }

  void Insert(Node* node) {
    Push(BucketOf(node->hash), node);
    if (++size_ > bucket_count_) SplitOne();
  }

  // REQUIRES: `node` is in the table.
  void Remove(Node* node) {
    Node** link = &Chain(BucketOf(node->hash));
    while (*link != node) link = &(*link)->next;
    *link = node->next;
    --size_;
  }

 private:
  static constexpr uint64_t kSegmentBuckets = 4096;
  static constexpr uint64_t kSegmentBytes = kSegmentBuckets * sizeof(Node*);

  // The table has `low_ + split` buckets, low_ a power of two: those below `split` are already
  // told apart by one bit more.
  [[nodiscard]] uint64_t BucketOf(uint64_t hash) const noexcept {
    const uint64_t bucket = hash & (low_ - 1);
    return bucket < bucket_count_ - low_ ? hash & (2 * low_ - 1) : bucket;
  }
  [[nodiscard]] Node*& Chain(uint64_t bucket) const noexcept {
    return segments_[bucket / kSegmentBuckets][bucket % kSegmentBuckets];
  }
  void Push(uint64_t bucket, Node* node) {
    node->next = Chain(bucket);
    Chain(bucket) = node;
  }

  void SplitOne() {
    const uint64_t split = bucket_count_ - low_;
    if (bucket_count_ % kSegmentBuckets == 0) AddSegment();
    ++bucket_count_;
    Node* node = Chain(split);
    Chain(split) = nullptr;
    while (node != nullptr) {
      Node* const next = node->next;
      Push(node->hash & (2 * low_ - 1), node);
      node = next;
    }
    if (bucket_count_ == 2 * low_) low_ = bucket_count_;
  }

  void AddSegment() {
    segments_.push_back(std::make_unique<Node*[]>(kSegmentBuckets));
    budget_.Take(kSegmentBytes);
  }

  MemoryBudget& budget_;
  std::vector<std::unique_ptr<Node*[]>> segments_;
  uint64_t low_ = kSegmentBuckets;
  uint64_t bucket_count_ = kSegmentBuckets;
  uint64_t size_ = 0;
};

}  // namespace kv
