#include "core/json_known_texts.h"

#include <array>
#include <cstring>

#include "core/word_key.h"

namespace kv {
namespace {

constexpr auto kKnownTexts = std::to_array<std::string_view>({
    "role",
    "content",
    "user",
    "assistant",
    "system",
    "tool",
    "developer",
    "model",
    "messages",
    "type",
    "text",
    "function",
    "name",
    "arguments",
    "tool_calls",
    "id",
    "description",
    "parameters",
    "properties",
    "required",
    "object",
    "string",
    "integer",
    "number",
    "boolean",
    "array",
    "items",
    "enum",
    "default",
    "title",
    "tools",
    "strict",
    "image_url",
    "url",
    "max_tokens",
    "temperature",
    "stream",
    "top_p",
    "stop",
    "prompt",
    "seed",
    "tool_choice",
    "auto",
    "none",
    "anyOf",
    "null",
    "n",
    "user_id",
    "tool_call_id",
    "include_usage",
    "stream_options",
    "additionalProperties",
    "reasoning",
    "input_text",
    "output_text",
    "status",
    "summary",
    "reasoning_content",
});

// The known texts of at most 16 bytes by their hash; twice as many places as texts.
class KnownTable {
 public:
  KnownTable() {
    for (uint32_t i = 0; i < kKnownTexts.size(); ++i) {
      const std::string_view text = kKnownTexts[i];
      if (text.size() > kShortWordMax) continue;
      uint8_t padded[kTextPadding] = {};
      memcpy(padded, text.data(), text.size());
      const auto size = static_cast<uint32_t>(text.size());
      const ShortWord word = LoadShortWord(padded, size);
      uint32_t place = PlaceOf(word, size);
      while (entries_[place].size != 0) place = (place + 1) % kPlaces;
      entries_[place] = {word, size, i};
    }
  }

  // Place in kKnownTexts, or -1. REQUIRES: kShortWordMax readable bytes from `text` on.
  int Find(const uint8_t* text, uint32_t size) const {
    const ShortWord word = LoadShortWord(text, size);
    for (uint32_t place = PlaceOf(word, size);; place = (place + 1) % kPlaces) {
      const Entry& entry = entries_[place];
      if (entry.size == 0) return -1;
      if (entry.size == size && entry.word == word) return static_cast<int>(entry.index);
    }
  }

 private:
  static constexpr uint32_t kPlaces = 256;
  static_assert(kKnownTexts.size() * 2 <= kPlaces);
  struct Entry {
    ShortWord word{};
    uint32_t size = 0;  // 0: empty
    uint32_t index = 0;
  };
  static uint32_t PlaceOf(ShortWord word, uint32_t size) {
    return static_cast<uint32_t>(HashShortWord(word, size) >> 32) % kPlaces;
  }

  std::array<Entry, kPlaces> entries_{};
};

const KnownTable& Known() {
  static const KnownTable table;
  return table;
}

}  // namespace

std::span<const std::string_view> KnownJsonTexts() noexcept { return kKnownTexts; }

int FindKnownJsonText(const uint8_t* text, uint32_t size) noexcept {
  return Known().Find(text, size);
}

}  // namespace kv
