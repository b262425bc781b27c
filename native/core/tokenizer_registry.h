// The tokenizers of the process, by key, so that threads share their tables and cached texts.
//
// Thread safety: all functions, any thread. Progress: blocking; a thread that opens a tokenizer
// which another one is building waits for it instead of building it twice.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/segment_cache.h"
#include "core/tokenizer_model.h"

namespace kv {

struct SharedTokenizer {
  SharedTokenizer(std::unique_ptr<const TokenizerModel> tables, size_t cache_bytes)
      : model(std::move(tables)), segments(cache_bytes / 2), stretches(cache_bytes / 2) {}

  const std::unique_ptr<const TokenizerModel> model;
  SegmentCache segments;   // texts to token ids, for Encoder
  SegmentCache stretches;  // parts of prompts to block hashes, for PromptHasher
};

class TokenizerRegistry {
 public:
  static TokenizerRegistry& Shared();

  // The tokenizer under `key`; `build` makes it (or returns null) if no thread holds one.
  template <typename Build>
  std::shared_ptr<SharedTokenizer> Open(const std::string& key, Build build) {
    const std::shared_ptr<Slot> slot = SlotOf(key);
    const std::lock_guard<std::recursive_mutex> lock(slot->building);
    std::shared_ptr<SharedTokenizer> tokenizer = slot->tokenizer.lock();
    if (tokenizer == nullptr) {
      tokenizer = build();
      slot->tokenizer = tokenizer;
    }
    return tokenizer;
  }

 private:
  struct Slot {
    // Recursive, because `build` runs JavaScript that might open the same key again.
    std::recursive_mutex building;
    std::weak_ptr<SharedTokenizer> tokenizer;
  };

  std::shared_ptr<Slot> SlotOf(const std::string& key);

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;
};

}  // namespace kv
