// The written form of every token, for the way back from ids to text.
//
// Thread safety: immutable after construction.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/added_tokens.h"
#include "core/buffer.h"

namespace kv {

class TokenTexts {
 public:
  // `names` separated by newlines and their ids, as TokenNames has read them, and added tokens.
  TokenTexts(std::string_view names, std::span<const uint32_t> ids, std::span<const AddedToken> raw,
             std::span<const AddedToken> normalized);

  // Id of the token written so, kNoToken if there is none. Searches all of them.
  uint32_t Find(std::string_view text) const;

  // Appends the bytes of a token; nothing for an unknown id.
  void Append(uint32_t id, Buffer<uint8_t>* bytes) const;

 private:
  struct Text {
    uint32_t offset = 0;
    uint32_t size = 0;  // 0: no token has this id
  };

  void Add(uint32_t id, std::string_view text);

  std::string all_;
  std::vector<Text> texts_;  // by id
};

}  // namespace kv
