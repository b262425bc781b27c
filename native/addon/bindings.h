// One Register function per binding file; addon.cc calls them once per JavaScript thread.
#pragma once

#include <napi.h>

#include <memory>

#include "core/cached_hasher.h"
#include "core/event_walker.h"
#include "core/prefix_index.h"

namespace kv {

// What one JavaScript thread keeps. Node destroys it with the thread's environment.
struct ThreadState {
  Napi::FunctionReference prefix_index_class;
  EventWalker event_walker;
  CachedHasher cached_hasher{SharedHashRuns()};
};

void RegisterHasher(Napi::Env env, Napi::Object exports);
void RegisterIndex(Napi::Env env, Napi::Object exports);
void RegisterEvents(Napi::Env env, Napi::Object exports);
void RegisterJson(Napi::Env env, Napi::Object exports);
void RegisterTokenizer(Napi::Env env, Napi::Object exports);

// The index behind a PrefixIndex object of this thread; null, with an exception pending, for
// anything else.
std::shared_ptr<PrefixIndex> IndexOf(Napi::Env env, const Napi::Value& value);

// What JavaScript sees of a cache.
Napi::Object StatsObject(Napi::Env env, const SegmentCacheStats& stats);

}  // namespace kv
