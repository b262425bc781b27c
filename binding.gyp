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
      "include_dirs": [
        "<!(node -p \"require('node-addon-api').include_dir\")",
        "<!(node -p \"require('path').dirname(require.resolve('xxhash-addon/package.json'))\")/xxHash",
        "native"
      ],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS"],
      "sources": ["<!@(node native/sources.mjs core addon)"]
    },
    {
      "target_name": "glibc_compat",
      "sources": ["native/compat/glibc_compat.c"],
      "cflags!": ["-fvisibility=hidden"]
    }
  ]
}
