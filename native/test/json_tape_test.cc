#include "core/json_tape.h"

#include <string>
#include <vector>

#include "core/json_known_texts.h"
#include "test/check.h"
#include "test/random.h"

namespace kv {
namespace {

struct Tape {
  JsonResult result;
  std::vector<uint32_t> words;
  std::string unescaped;
};

Tape Read(const std::string& text, size_t room = 4096) {
  // Vectors of the exact size, so that a sanitizer sees a step beyond them.
  const std::vector<uint8_t> bytes(text.begin(), text.end());
  std::vector<uint32_t> words(room);
  std::vector<uint8_t> unescaped(bytes.size() + kUnescapeSlack);
  size_t count = 0;
  const JsonResult result = ReadJson(bytes, words, unescaped, &count);
  words.resize(result == JsonResult::kRead ? count : 0);
  return {result, words, std::string(unescaped.begin(), unescaped.end())};
}

uint32_t Word(JsonKind kind, uint32_t payload) {
  return payload << kJsonKindBits | static_cast<uint32_t>(kind);
}

TEST(json_tape_has_kinds_sizes_and_places) {
  const Tape tape = Read(R"({"k": [1, 22], "e":"a\nb", "u":"é", "x":[-1,[]]})");
  CHECK(tape.result == JsonResult::kRead);
  const std::vector<uint32_t> expected = {
      Word(JsonKind::kObject, 4),
      Word(JsonKind::kAscii, 1),
      2,
      Word(JsonKind::kIntegers, 2),
      1,
      22,
      Word(JsonKind::kAscii, 1),
      16,
      Word(JsonKind::kUnescapedAscii, 3),
      0,
      Word(JsonKind::kAscii, 1),
      28,
      Word(JsonKind::kUtf8, 2),
      32,
      Word(JsonKind::kAscii, 1),
      38,
      Word(JsonKind::kArray, 2),
      Word(JsonKind::kNumber, 2),
      42,
      Word(JsonKind::kArray, 0),
  };
  CHECK(tape.words == expected);
  CHECK(tape.unescaped.substr(0, 3) == "a\nb");
}

TEST(json_tape_knows_its_known_texts) {
  const auto known = KnownJsonTexts();
  for (uint32_t i = 0; i < known.size(); ++i) {
    if (known[i].size() > 16) continue;
    const Tape tape = Read("[\"" + std::string(known[i]) + "\",\"0123456789abcdef0\"]");
    CHECK(tape.result == JsonResult::kRead);
    CHECK_EQUAL(tape.words[1], Word(JsonKind::kKnown, i));
  }
}

TEST(json_tape_says_when_it_is_full) {
  CHECK(Read("[1,2,3]", 4).result == JsonResult::kRead);
  CHECK(Read("[1,2,3]", 3).result == JsonResult::kNoRoom);
  CHECK(Read("[1,2,3]", 0).result == JsonResult::kNoRoom);
}

TEST(json_tape_bounds_the_depth) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(Read(nested(kMaxJsonDepth)).result == JsonResult::kRead);
  CHECK(Read(nested(kMaxJsonDepth + 1)).result == JsonResult::kRefused);
  CHECK(Read(std::string(1'000'000, '[')).result == JsonResult::kRefused);
}

TEST(json_tape_survives_any_bytes) {
  test::Random random(test::Seed());
  const std::string alphabet = "{}[]\":,\\u00dD8cC123tfnrue-+.E \n\x01\x80\xbf\xc3\xe2\xf0";
  for (int round = 0; round < 300'000; ++round) {
    std::string text;
    const uint64_t size = random.Below(48);
    for (uint64_t i = 0; i < size; ++i) text += alphabet[random.Below(alphabet.size())];
    if (random.Below(2) == 0) text = "[\"" + text + "\"]";
    (void)Read(text, random.Below(64));
  }
}

}  // namespace
}  // namespace kv
