// One Register function per binding file; addon.cc calls them once per JavaScript thread.
#pragma once

#include <napi.h>

namespace kv {

void RegisterHasher(Napi::Env env, Napi::Object exports);
void RegisterIndex(Napi::Env env, Napi::Object exports);
void RegisterTokenizer(Napi::Env env, Napi::Object exports);

}  // namespace kv
