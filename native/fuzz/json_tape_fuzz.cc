// Any bytes as JSON: the reader touches nothing outside them, what it writes is a whole tape whose
// texts lie where it says, and a tape that is too short changes nothing but the answer.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "core/json_known_texts.h"
#include "core/json_tape.h"
#include "core/utf8.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

class TapeWalker {
 public:
  TapeWalker(std::span<const uint32_t> tape, std::span<const uint8_t> text,
             std::span<const uint8_t> unescaped)
      : tape_(tape), text_(text), unescaped_(unescaped) {}

  void Value() {
    const uint32_t word = Next();
    const size_t payload = word >> kv::kJsonKindBits;
    switch (static_cast<kv::JsonKind>(word & ((1u << kv::kJsonKindBits) - 1))) {
      case kv::JsonKind::kWord:
        return Require(payload <= 2);
      case kv::JsonKind::kInteger:
        return;
      case kv::JsonKind::kKnown:
        return Require(payload < kv::KnownJsonTexts().size());
      case kv::JsonKind::kNumber:
        return Text(text_, payload, true);
      case kv::JsonKind::kAscii:
        return Text(text_, payload, true);
      case kv::JsonKind::kUtf8:
        return Text(text_, payload, false);
      case kv::JsonKind::kUnescapedAscii:
        return Text(unescaped_, payload, true);
      case kv::JsonKind::kUnescapedUtf8:
        return Text(unescaped_, payload, false);
      case kv::JsonKind::kArray:
        for (size_t i = 0; i < payload; ++i) Value();
        return;
      case kv::JsonKind::kIntegers:
        for (size_t i = 0; i < payload; ++i) Next();
        return;
      case kv::JsonKind::kObject:
        for (size_t i = 0; i < 2 * payload; ++i) Value();
        return;
    }
    std::abort();
  }
  bool done() const { return at_ == tape_.size(); }

 private:
  uint32_t Next() {
    Require(at_ < tape_.size());
    return tape_[at_++];
  }

  void Text(std::span<const uint8_t> from, size_t size, bool is_ascii) {
    const size_t begin = Next();
    Require(begin <= from.size() && size <= from.size() - begin);
    const std::span<const uint8_t> text = from.subspan(begin, size);
    Require(kv::ValidUtf8Prefix(text.data(), size) == size);
    for (const uint8_t byte : text) Require(!is_ascii || byte < 0x80);
  }

  const std::span<const uint32_t> tape_;
  const std::span<const uint8_t> text_;
  const std::span<const uint8_t> unescaped_;
  size_t at_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Of the exact size, so that a step beyond them is seen.
  const std::vector<uint8_t> text(data, data + size);
  std::vector<uint8_t> unescaped(size + kv::kUnescapeSlack);
  // Every byte makes at most two words.
  std::vector<uint32_t> tape(2 * size + 2);
  size_t words = 0;
  const kv::JsonResult result = kv::ReadJson(text, tape, unescaped, &words);
  Require(result != kv::JsonResult::kNoRoom);
  if (result != kv::JsonResult::kRead) return 0;
  Require(words <= tape.size());
  TapeWalker walker(std::span(tape).first(words), text, unescaped);
  walker.Value();
  Require(walker.done());
  std::vector<uint32_t> exact(words);
  size_t words_again = 0;
  Require(kv::ReadJson(text, exact, unescaped, &words_again) == kv::JsonResult::kRead);
  Require(words_again == words && std::equal(exact.begin(), exact.end(), tape.begin()));
  exact.pop_back();
  Require(kv::ReadJson(text, exact, unescaped, &words_again) == kv::JsonResult::kNoRoom);
  return 0;
}
