// The shapes in which published routers keep their index, as yardsticks, each behind one mutex: a
// radix tree of block hashes (one thread or one lock for all), and an LRU of keys, each with an LRU
// of at most ten holders, in which a look-up is a use and so needs the lock exclusively.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

namespace kv::bench {

class RadixTree {
 public:
  static constexpr const char* kName = "radix tree + mutex";

  class Reader {
   public:
    explicit Reader(RadixTree& owner) : tree_(owner) {}
    size_t Match(std::span<const uint64_t> hashes) {
      const std::lock_guard<std::mutex> lock(tree_.mutex_);
      active_.clear();
      const Node* node = &tree_.root_;
      for (const uint64_t hash : hashes) {
        const auto child = node->children.find(hash);
        if (child == node->children.end()) break;
        const Node& next = *child->second;
        if (node == &tree_.root_) {
          active_ = next.holders;
        } else {
          std::erase_if(active_, [&](uint16_t endpoint) { return !next.Has(endpoint); });
        }
        if (active_.empty()) break;
        node = &next;
      }
      return active_.size();
    }

   private:
    RadixTree& tree_;
    std::vector<uint16_t> active_;
  };

  // REQUIRES: the chain begins at the head of a prompt.
  void Store(uint32_t endpoint, std::span<const uint64_t> hashes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto& known = nodes_of_[endpoint];
    Node* node = &root_;
    for (const uint64_t hash : hashes) {
      std::unique_ptr<Node>& child = node->children[hash];
      if (child == nullptr) child = std::make_unique<Node>(Node{hash, node, {}, {}});
      node = child.get();
      if (!node->Has(static_cast<uint16_t>(endpoint))) {
        node->holders.push_back(static_cast<uint16_t>(endpoint));
      }
      known[hash] = node;
    }
  }
  void Remove(uint32_t endpoint, std::span<const uint64_t> hashes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto& known = nodes_of_[endpoint];
    // Tails first: a node goes when nobody holds it and nothing hangs on it.
    for (size_t i = hashes.size(); i-- > 0;) {
      const auto entry = known.find(hashes[i]);
      if (entry == known.end()) continue;
      Node* const node = entry->second;
      known.erase(entry);
      std::erase(node->holders, static_cast<uint16_t>(endpoint));
      if (node->holders.empty() && node->children.empty()) node->parent->children.erase(node->hash);
    }
  }

 private:
  struct Node {
    uint64_t hash = 0;
    Node* parent = nullptr;
    std::vector<uint16_t> holders;
    std::unordered_map<uint64_t, std::unique_ptr<Node>> children;

    [[nodiscard]] bool Has(uint16_t endpoint) const {
      return std::find(holders.begin(), holders.end(), endpoint) != holders.end();
    }
  };

  std::mutex mutex_;
  Node root_;
  std::unordered_map<uint32_t, std::unordered_map<uint64_t, Node*>> nodes_of_;
};

class LruOfLrus {
 public:
  static constexpr const char* kName = "LRU of LRUs + mutex";

  class Reader {
   public:
    explicit Reader(LruOfLrus& owner) : index_(owner) {}
    size_t Match(std::span<const uint64_t> hashes) {
      active_.clear();
      for (const uint64_t hash : hashes) {
        const std::lock_guard<std::mutex> lock(index_.mutex_);
        const auto entry = index_.entries_.find(hash);
        if (entry == index_.entries_.end()) break;
        index_.Use(entry->second);
        const std::vector<uint16_t>& holders = entry->second->holders;
        if (active_.empty()) {
          active_ = holders;
          continue;
        }
        std::erase_if(active_, [&](uint16_t endpoint) {
          return std::find(holders.begin(), holders.end(), endpoint) == holders.end();
        });
        if (active_.empty()) break;
      }
      return active_.size();
    }

   private:
    LruOfLrus& index_;
    std::vector<uint16_t> active_;
  };

  void Store(uint32_t endpoint, std::span<const uint64_t> hashes) {
    for (const uint64_t hash : hashes) {
      const std::lock_guard<std::mutex> lock(mutex_);
      auto [entry, isNew] = entries_.try_emplace(hash);
      if (isNew) {
        order_.push_front({hash, {}});
        entry->second = order_.begin();
      }
      Use(entry->second);
      std::vector<uint16_t>& holders = entry->second->holders;
      std::erase(holders, static_cast<uint16_t>(endpoint));
      holders.push_back(static_cast<uint16_t>(endpoint));
      if (holders.size() > kHolders) holders.erase(holders.begin());
    }
  }
  void Remove(uint32_t endpoint, std::span<const uint64_t> hashes) {
    for (const uint64_t hash : hashes) {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto entry = entries_.find(hash);
      if (entry == entries_.end()) continue;
      std::erase(entry->second->holders, static_cast<uint16_t>(endpoint));
      if (!entry->second->holders.empty()) continue;
      order_.erase(entry->second);
      entries_.erase(entry);
    }
  }

 private:
  static constexpr size_t kHolders = 10;

  struct Entry {
    uint64_t hash;
    std::vector<uint16_t> holders;  // latest last
  };

  void Use(std::list<Entry>::iterator entry) { order_.splice(order_.begin(), order_, entry); }

  std::mutex mutex_;
  std::list<Entry> order_;
  std::unordered_map<uint64_t, std::list<Entry>::iterator> entries_;
};

}  // namespace kv::bench
