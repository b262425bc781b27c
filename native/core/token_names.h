// Reading a vocabulary and its merges from their written form, while a model is built.
//
// Tokens are written in the byte-level alphabet: GPT-2's mapping between bytes and printable
// characters. Others (special tokens, placeholders) cannot be parts or results of merges.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/merge_table.h"
#include "core/vocabulary.h"

namespace kv {

class TokenNames {
 public:
  // Reads names separated by newlines and their ids. False and `*error` if one is not usable.
  bool Read(std::string_view names, std::span<const uint32_t> ids, std::string* error);

  // Reads `count` lines "left right".
  bool ReadMerges(std::string_view lines, size_t count, std::vector<Merge>* merges,
                  std::string* error) const;

  // Id of the token with these bytes, kNoToken if there is none.
  uint32_t Find(std::span<const uint8_t> bytes) const;

  // All byte-level tokens.
  std::span<const TokenBytes> tokens() const { return tokens_; }

 private:
  void Index();

  std::vector<uint8_t> bytes_;
  std::vector<TokenBytes> tokens_;
  std::vector<uint32_t> slots_;  // index into tokens_ plus one; 0 is an empty slot
};

}  // namespace kv
