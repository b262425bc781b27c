// The yardstick of bench/plain_index.h for JavaScript: one index a process. Built by
// native/run.mjs.
#include <node_api.h>

#include "plain_index.h"

namespace {

kv::bench::PlainIndex& index() {
  static kv::bench::PlainIndex& instance = *new kv::bench::PlainIndex();
  return instance;
}

// store(endpoint, BigUint64Array)
napi_value Store(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  uint32_t endpoint = 0;
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok || count < 2 ||
      napi_get_value_uint32(env, arguments[0], &endpoint) != napi_ok ||
      napi_get_typedarray_info(env, arguments[1], &type, &length, &data, nullptr, nullptr) !=
          napi_ok ||
      type != napi_biguint64_array) {
    napi_throw_type_error(env, nullptr, "store takes an endpoint and a BigUint64Array");
    return nullptr;
  }
  index().Store(endpoint, {static_cast<const uint64_t*>(data), length});
  return nullptr;
}

napi_value Size(napi_env env, napi_callback_info) {
  napi_value result = nullptr;
  napi_create_double(env, static_cast<double>(index().size()), &result);
  return result;
}

napi_value Init(napi_env env, napi_value exports) {
  const napi_property_descriptor properties[] = {
      {"store", nullptr, Store, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"size", nullptr, Size, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  napi_define_properties(env, exports, 2, properties);
  return exports;
}

}  // namespace

NAPI_MODULE(plain_index, Init)
