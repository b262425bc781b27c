{
  "target_defaults": {
    "cflags": ["-O3", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
    "cflags_cc": ["-std=c++20", "-fno-exceptions", "-fno-rtti"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
    "xcode_settings": { "CLANG_CXX_LANGUAGE_STANDARD": "c++20", "OTHER_CFLAGS": ["-O3"] }
  },
  "targets": [
    {
      "target_name": "warmpath",
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")", "native"],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS"],
      "sources": [
        "native/addon/addon.cc",
        "native/addon/hasher_binding.cc",
        "native/addon/index_binding.cc",
        "native/core/block_hash.cc",
        "native/core/cbor.cc",
        "native/core/copy_counts.cc",
        "native/core/evictor.cc",
        "native/core/growing_table.cc",
        "native/core/holder_set_store.cc",
        "native/core/holder_table.cc",
        "native/core/matcher.cc",
        "native/core/memory_region.cc",
        "native/core/prefix_index.cc",
        "native/core/sha256.cc",
        "native/core/sha256_x86.cc",
        "native/core/sha256_arm.cc",
        "native/core/slab_pool.cc",
        "native/core/slot_table.cc"
      ]
    },
    {
      "target_name": "glibc_compat",
      "sources": ["native/compat/glibc_compat.c"],
      "cflags!": ["-fvisibility=hidden"]
    }
  ]
}
