#include "core/token_names.h"

#include <bit>
#include <cstring>
#include <utility>

#include "core/byte_alphabet.h"
#include "core/word_key.h"

namespace kv {
namespace {

// The part of `*text` up to the next `separator`, which is consumed with it.
std::string_view TakeUntil(char separator, std::string_view* text) {
  const void* const at = text->empty() ? nullptr : memchr(text->data(), separator, text->size());
  if (at == nullptr) return std::exchange(*text, std::string_view());
  const auto size = static_cast<size_t>(static_cast<const char*>(at) - text->data());
  const std::string_view part = text->substr(0, size);
  text->remove_prefix(size + 1);
  return part;
}

}  // namespace

bool TokenNames::Read(std::string_view names, std::span<const uint32_t> ids, std::string* error) {
  std::vector<bool> seen(MergeTable::kMaxTokens);
  bytes_.resize(names.size());  // no token is longer than its name, so the views stay valid
  uint8_t* next = bytes_.data();
  tokens_.reserve(ids.size());
  for (const uint32_t id : ids) {
    const std::string_view name = TakeUntil('\n', &names);
    if (id >= MergeTable::kMaxTokens || seen[id]) {
      *error =
          "token id " + std::to_string(id) + (id < seen.size() ? " occurs twice" : " is too large");
      return false;
    }
    seen[id] = true;
    const size_t size = SharedByteAlphabet().Decode(name, next);
    if (size == 0) continue;
    tokens_.push_back({{next, size}, id});
    next += size;
  }
  if (!names.empty()) {
    *error = "a token contains a newline";
    return false;
  }
  Index();
  return true;
}

void TokenNames::Index() {
  slots_.assign(std::bit_ceil(tokens_.size() * 2 + 1), 0);
  for (uint32_t i = 0; i < tokens_.size(); ++i) {
    const std::span<const uint8_t> bytes = tokens_[i].bytes;
    size_t slot = HashBytes(bytes.data(), bytes.size()) & (slots_.size() - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = i + 1;
  }
}

uint32_t TokenNames::Find(std::span<const uint8_t> bytes) const {
  size_t slot = HashBytes(bytes.data(), bytes.size()) & (slots_.size() - 1);
  for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    const TokenBytes& token = tokens_[slots_[slot] - 1];
    if (token.bytes.size() == bytes.size() &&
        memcmp(token.bytes.data(), bytes.data(), bytes.size()) == 0) {
      return token.id;
    }
  }
  return kNoToken;
}

bool TokenNames::ReadMerges(std::string_view lines, size_t count, std::vector<Merge>* merges,
                            std::string* error) const {
  if (count > MergeTable::kMaxMerges) {
    *error = "there are too many merges";
    return false;
  }
  std::vector<uint8_t> both;
  merges->reserve(count);
  for (size_t rank = 0; rank < count; ++rank) {
    const std::string_view line = TakeUntil('\n', &lines);
    std::string_view right = line;
    const std::string_view left = TakeUntil(' ', &right);
    both.resize(line.size());
    const size_t left_size = SharedByteAlphabet().Decode(left, both.data());
    const size_t right_size = SharedByteAlphabet().Decode(right, both.data() + left_size);
    Merge merge{kNoToken, kNoToken, kNoToken};
    if (left_size != 0 && right_size != 0) {
      const std::span<const uint8_t> bytes(both.data(), left_size + right_size);
      merge = {Find(bytes.first(left_size)), Find(bytes.subspan(left_size)), Find(bytes)};
    }
    if (merge.left == kNoToken || merge.right == kNoToken || merge.merged == kNoToken) {
      *error = "merge " + std::to_string(rank) + " (" + std::string(line) +
               ") is not of byte-level tokens";
      return false;
    }
    merges->push_back(merge);
  }
  if (!lines.empty()) {
    *error = "a merge contains a newline";
    return false;
  }
  return true;
}

}  // namespace kv
