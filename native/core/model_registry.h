// The tokenizer models of the process, by key, so that threads share them.
//
// Thread safety: all functions, any thread. Progress: blocking; a thread that opens a model which
// another one is building waits for it instead of building it twice.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/tokenizer_model.h"

namespace kv {

class ModelRegistry {
 public:
  static ModelRegistry& Shared();

  // The model under `key`; `build` makes it (or returns null) if no thread holds it any more.
  template <typename BuildModel>
  std::shared_ptr<const TokenizerModel> Open(const std::string& key, BuildModel build) {
    const std::shared_ptr<Slot> slot = SlotOf(key);
    const std::lock_guard<std::recursive_mutex> lock(slot->building);
    std::shared_ptr<const TokenizerModel> model = slot->model.lock();
    if (model == nullptr) {
      model = build();
      slot->model = model;
    }
    return model;
  }

 private:
  struct Slot {
    // Recursive, because `build` runs JavaScript that might open the same key again.
    std::recursive_mutex building;
    std::weak_ptr<const TokenizerModel> model;
  };

  std::shared_ptr<Slot> SlotOf(const std::string& key);

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;
};

}  // namespace kv
