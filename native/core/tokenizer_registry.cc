#include "core/tokenizer_registry.h"

namespace kv {

TokenizerRegistry& TokenizerRegistry::Shared() {
  // Never freed: threads may still use it while the process ends.
  static TokenizerRegistry* const registry = new TokenizerRegistry;
  return *registry;
}

std::shared_ptr<TokenizerRegistry::Slot> TokenizerRegistry::SlotOf(const std::string& key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<Slot>& slot = slots_[key];
  if (slot == nullptr) slot = std::make_shared<Slot>();
  return slot;
}

}  // namespace kv
