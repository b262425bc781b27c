#include "core/pretokenizer.h"

#include <cstring>
#include <string>
#include <vector>

#include "core/utf8.h"
#include "test/check.h"
#include "test/tiny_tokenizer.h"

namespace {

using kv::SplitRule;
using kv::test::Random;
using Bytes = std::vector<uint8_t>;

constexpr SplitRule kRules[] = {SplitRule::kGpt2,          SplitRule::kCl100k,
                                SplitRule::kQwen2,         SplitRule::kQwen35,
                                SplitRule::kO200k,         SplitRule::kTekken,
                                SplitRule::kNumbers3,      SplitRule::kNumber,
                                SplitRule::kDeepSeekWords, SplitRule::kKanaAndHan,
                                SplitRule::kHanToHangul,   SplitRule::kNewline,
                                SplitRule::kSpaceLetters,  SplitRule::kSpacePunctuation,
                                SplitRule::kDigit,         SplitRule::kDigits};

std::vector<uint32_t> Ends(const kv::Pretokenizer& pretokenizer, const Bytes& text) {
  // A copy with no more room than promised, for the sanitizer.
  Bytes padded(text.size() + kv::kTextPadding);
  if (!text.empty()) memcpy(padded.data(), text.data(), text.size());
  kv::Buffer<uint32_t> ends;
  kv::Buffer<uint32_t> spare;
  pretokenizer.Split(padded.data(), static_cast<uint32_t>(text.size()), &ends, &spare);
  return std::vector<uint32_t>(ends.data(), ends.data() + ends.size());
}

std::string Split(std::vector<SplitRule> rules, const std::string& text) {
  std::string words;
  uint32_t begin = 0;
  for (const uint32_t end :
       Ends(kv::Pretokenizer(std::move(rules)), Bytes(text.begin(), text.end()))) {
    words += (begin == 0 ? "" : "|") + text.substr(begin, end - begin);
    begin = end;
  }
  return words;
}

}  // namespace

TEST(words_cover_the_text_and_end_between_characters) {
  Random random(kv::test::Seed());
  for (int i = 0; i < 3000; ++i) {
    const Bytes text = kv::test::RandomText(random, 40, false);
    std::vector<SplitRule> rules;
    for (uint64_t k = random.Below(4); k > 0; --k) {
      rules.push_back(kRules[random.Below(std::size(kRules))]);
    }
    uint32_t last = 0;
    for (const uint32_t end : Ends(kv::Pretokenizer(std::move(rules)), text)) {
      CHECK(end > last);
      CHECK(end == text.size() || !kv::IsUtf8Continuation(text[end]));
      last = end;
    }
    CHECK_EQUAL(last, text.size());
  }
}

TEST(words_behind_a_boundary_depend_only_on_the_text_behind_it) {
  Random random(kv::test::Seed());
  for (int i = 0; i < 3000; ++i) {
    const kv::Pretokenizer pretokenizer({kRules[random.Below(6)]});
    const Bytes text = kv::test::RandomText(random, 30, false);
    const std::vector<uint32_t> ends = Ends(pretokenizer, text);
    if (ends.empty()) continue;
    const size_t at = random.Below(ends.size());
    const Bytes rest(text.begin() + ends[at], text.end());
    std::vector<uint32_t> expected(ends.begin() + static_cast<ptrdiff_t>(at) + 1, ends.end());
    for (uint32_t& end : expected) end -= ends[at];
    CHECK(Ends(pretokenizer, rest) == expected);
  }
}

TEST(each_family_cuts_the_same_text_in_its_own_way) {
  const std::string text = "It's HTTPServer/x 1234  a\n\n b";
  CHECK(Split({SplitRule::kGpt2}, text) == "It|'s| HTTPServer|/|x| 1234| | a|\n\n| b");
  CHECK(Split({SplitRule::kCl100k}, text) == "It|'s| HTTPServer|/x| |123|4| | a|\n\n| b");
  CHECK(Split({SplitRule::kQwen2}, text) == "It|'s| HTTPServer|/x| |1|2|3|4| | a|\n\n| b");
  CHECK(Split({SplitRule::kO200k}, text) == "It's| HTTPServer|/x| |123|4| | a|\n\n| b");
  CHECK(Split({SplitRule::kTekken}, text) == "It|'s| HTTPServer|/x| |1|2|3|4| | a|\n\n| b");
  CHECK(Split({SplitRule::kNumbers3, SplitRule::kKanaAndHan, SplitRule::kDeepSeekWords}, text) ==
        "It|'s| HTTPServer|/x| |123|4| | a|\n\n| b");
}

TEST(a_run_of_white_space_leaves_its_last_character_to_the_next_word) {
  CHECK(Split({SplitRule::kQwen2}, "a   b") == "a|  | b");
  CHECK(Split({SplitRule::kQwen2}, "a   ") == "a|   ");
  CHECK(Split({SplitRule::kQwen2}, "a \n \n  b") == "a| \n \n| | b");
  CHECK(Split({SplitRule::kQwen2}, "a\t\tb") == "a|\t|\tb");
}

TEST(upper_case_ends_where_lower_case_words_can_begin) {
  CHECK(Split({SplitRule::kO200k}, "iPhoneXs") == "i|Phone|Xs");
  CHECK(Split({SplitRule::kO200k}, "ABC") == "ABC");
  CHECK(Split({SplitRule::kO200k},
              "\xe6\x97\xa5"
              "ABC") == "\xe6\x97\xa5|ABC");
  CHECK(Split({SplitRule::kO200k}, "we'LLgo") == "we'LL|go");
}

TEST(a_million_characters_of_anything_take_no_quadratic_time) {
  for (const SplitRule rule : kRules) {
    for (const char* piece : {" ", "\n ", "a", "A", "\xe6\x97\xa5",
                              "\xe6\x97\xa5"
                              "A",
                              "\xcc\x81"
                              "A",
                              "'", "1", "\x01", " \x01"}) {
      std::string text;
      while (text.size() < size_t{1'000'000} / kv::test::kSingleThreadShare) text += piece;
      CHECK(!Ends(kv::Pretokenizer({rule}), Bytes(text.begin(), text.end())).empty());
    }
  }
}
