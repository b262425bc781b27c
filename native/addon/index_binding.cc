#include "addon/bindings.h"

namespace kv {

void RegisterIndex(Napi::Env, Napi::Object) {}

}  // namespace kv
