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
        "native/addon/tokenizer_binding.cc",
        "native/core/block_hash.cc",
        "native/core/cbor.cc",
        "native/core/prefix_index.cc",
        "native/core/sha256.cc",
        "native/core/sha256_x86.cc",
        "native/core/sha256_arm.cc",
        "native/core/added_tokens.cc",
        "native/core/bpe.cc",
        "native/core/encoder.cc",
        "native/core/nfc.cc",
        "native/core/pretokenizer.cc",
        "native/core/safe_cut.cc",
        "native/core/segment_cache.cc",
        "native/core/token_names.cc",
        "native/core/tokenizer_model.cc",
        "native/core/tokenizer_registry.cc",
        "native/core/unicode.cc",
        "native/core/unicode_data.cc",
        "native/core/utf8.cc",
        "native/core/vocabulary.cc"
      ]
    },
    {
      "target_name": "glibc_compat",
      "sources": ["native/compat/glibc_compat.c"],
      "cflags!": ["-fvisibility=hidden"]
    }
  ]
}
