#include "core/model_registry.h"

namespace kv {

ModelRegistry& ModelRegistry::Shared() {
  // Never freed: threads may still use it while the process ends.
  static ModelRegistry* const registry = new ModelRegistry;
  return *registry;
}

std::shared_ptr<ModelRegistry::Slot> ModelRegistry::SlotOf(const std::string& key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<Slot>& slot = slots_[key];
  if (slot == nullptr) slot = std::make_shared<Slot>();
  return slot;
}

}  // namespace kv
