#include "core/token_texts.h"

#include <algorithm>

#include "core/byte_alphabet.h"
#include "core/vocabulary.h"

namespace kv {

TokenTexts::TokenTexts(std::string_view names, std::span<const uint32_t> ids,
                       std::span<const AddedToken> raw, std::span<const AddedToken> normalized) {
  all_.reserve(names.size());
  for (const uint32_t id : ids) {
    const size_t end = std::min(names.find('\n'), names.size());
    Add(id, names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  for (const AddedToken& token : raw) Add(token.id, token.content);
  for (const AddedToken& token : normalized) Add(token.id, token.content);
}

void TokenTexts::Add(uint32_t id, std::string_view text) {
  if (id >= texts_.size()) texts_.resize(size_t{id} + 1);
  texts_[id] = {static_cast<uint32_t>(all_.size()), static_cast<uint32_t>(text.size())};
  all_ += text;
}

uint32_t TokenTexts::Find(std::string_view text) const {
  if (text.empty()) return kNoToken;
  for (uint32_t id = 0; id < texts_.size(); ++id) {
    const Text& token = texts_[id];
    if (token.size == text.size() && all_.compare(token.offset, token.size, text) == 0) return id;
  }
  return kNoToken;
}

void TokenTexts::Append(uint32_t id, Buffer<uint8_t>* bytes) const {
  if (id >= texts_.size()) return;
  const std::string_view text = std::string_view(all_).substr(texts_[id].offset, texts_[id].size);
  const size_t size = SharedByteAlphabet().Decode(text, bytes->Reserve(text.size()));
  if (size != 0) {
    bytes->Grow(size);
  } else {
    // Written in other characters, a token stands for itself.
    bytes->Append(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
}

}  // namespace kv
