// The addon's entry point. It is mapped once per process and initialised once per thread.
#include "addon/bindings.h"

namespace {

Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new kv::ThreadState());
  kv::RegisterHasher(env, exports);
  kv::RegisterIndex(env, exports);
  kv::RegisterEvents(env, exports);
  kv::RegisterJson(env, exports);
  kv::RegisterTokenizer(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(warmpath, Initialise)
