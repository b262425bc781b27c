// A tokenizer of the 256 bytes and random merges of them, for tests of what is built on it.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/tokenizer_registry.h"
#include "core/utf8.h"
#include "test/check.h"
#include "test/random.h"

namespace kv::test {

// The name of a byte in the byte-level alphabet.
inline std::string ByteName(uint32_t byte) {
  uint32_t code = 0x100;
  for (uint32_t b = 0; b < 256; ++b) {
    const bool printable = (b > 0x20 && b < 0x7f) || (b > 0xa0 && b != 0xad);
    if (b == byte) {
      uint8_t text[4];
      const uint32_t size = EncodeUtf8(printable ? b : code, text);
      return std::string(reinterpret_cast<const char*>(text), size);
    }
    if (!printable) ++code;
  }
  return {};
}

struct TinyTokenizer {
  std::string names;
  std::vector<uint32_t> ids;
  std::string merges;
  size_t merge_count = 0;

  // Merges what is most useful in random texts: letters, spaces and the bytes of U+3000 to U+30FF.
  TinyTokenizer(Random& random, size_t merge_attempts) {
    std::vector<std::string> tokens;
    for (uint32_t byte = 0; byte < 256; ++byte) tokens.push_back(ByteName(byte));
    std::set<std::string> known(tokens.begin(), tokens.end());
    std::vector<std::string> parts;
    for (const uint8_t byte : std::string("abcdeABC  \n.1\xe3\x81\x82\x83")) {
      parts.push_back(ByteName(byte));
    }
    for (size_t i = 0; i < merge_attempts; ++i) {
      const std::string left = parts[random.Below(parts.size())];
      const std::string right = parts[random.Below(parts.size())];
      if (!known.insert(left + right).second) continue;
      tokens.push_back(left + right);
      parts.push_back(left + right);
      merges += left + ' ' + right + '\n';
      ++merge_count;
    }
    if (!merges.empty()) merges.pop_back();
    for (const std::string& token : tokens) {
      names += token + '\n';
      ids.push_back(static_cast<uint32_t>(ids.size()));
    }
    names.pop_back();
  }

  TokenizerSpec Spec(std::vector<SplitRule> rules) const {
    TokenizerSpec spec;
    spec.token_names = names;
    spec.token_ids = ids;
    spec.merges = merges;
    spec.merge_count = merge_count;
    spec.split_rules = std::move(rules);
    return spec;
  }
};

// Any rules, flags and added tokens.
inline TokenizerSpec RandomSpec(Random& random, const TinyTokenizer& tiny) {
  const std::vector<std::vector<SplitRule>> families = {
      {SplitRule::kGpt2},
      {SplitRule::kCl100k},
      {SplitRule::kQwen2},
      {SplitRule::kQwen35},
      {SplitRule::kO200k},
      {SplitRule::kTekken},
      {SplitRule::kNumbers3, SplitRule::kKanaAndHan, SplitRule::kDeepSeekWords},
      {SplitRule::kNewline, SplitRule::kSpaceLetters, SplitRule::kSpacePunctuation,
       SplitRule::kHanToHangul, SplitRule::kDigit},
      {}};
  TokenizerSpec spec = tiny.Spec(families[random.Below(families.size())]);
  spec.nfc = random.Below(2) == 0;
  spec.ignore_merges = random.Below(2) == 0;
  spec.prefix_space = random.Below(4) == 0;
  const auto flag = [&random] { return random.Below(4) == 0; };
  for (const char* content : {"<end>", "<", "e\xcc\x81", "a b", "\xe3\x81\x82\xe3\x80\x82"}) {
    auto& tokens = random.Below(2) == 0 ? spec.raw_tokens : spec.normalized_tokens;
    if (random.Below(2) == 0) {
      tokens.push_back(
          {content, static_cast<uint32_t>(900'000 + tokens.size()), flag(), flag(), flag()});
    }
  }
  return spec;
}

inline std::shared_ptr<SharedTokenizer> Built(TokenizerSpec spec, size_t cache_bytes) {
  std::string error;
  std::unique_ptr<const TokenizerModel> model = TokenizerModel::Build(std::move(spec), &error);
  if (model == nullptr) Fail(__FILE__, __LINE__, error.c_str());
  return std::make_shared<SharedTokenizer>(std::move(model), cache_bytes);
}

// Up to `pieces` pieces that tokenizers care about; valid UTF-8 unless `broken`.
inline std::vector<uint8_t> RandomText(Random& random, size_t pieces, bool broken) {
  static const char* const kPieces[] = {"a",
                                        "b",
                                        " the",
                                        " ",
                                        "  ",
                                        "\n",
                                        "\r\n",
                                        "\t",
                                        "A",
                                        "Bc",
                                        "'s",
                                        "'LL",
                                        "1",
                                        "23",
                                        "4567",
                                        ".",
                                        "...",
                                        "/",
                                        "!\n",
                                        "\xc3\xa9",
                                        "e\xcc\x81",
                                        "\xcc\xa7",
                                        "\xe3\x81\x82",
                                        "\xe3\x80\x82",
                                        "\xe3\x80\x81",
                                        "\xef\xbc\x8c",
                                        "\xe6\x97\xa5",
                                        "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8",
                                        "\xf0\x9f\x98\x80",
                                        "\xe2\x80\x8b",
                                        "<end>",
                                        "<",
                                        "abcabcabcabc",
                                        "\x01",
                                        "\xc2\xa0",
                                        "\xe3\x82\xab\xe3\x82\x99",
                                        "\xf0\x9d\x90\x80",
                                        "'\xc5\xbf"};
  std::vector<uint8_t> text;
  const size_t count = random.Below(pieces + 1);
  for (size_t i = 0; i < count; ++i) {
    const std::string piece = kPieces[random.Below(std::size(kPieces))];
    const size_t repeats = random.Below(20) == 0 ? random.Below(60) : 1;
    for (size_t k = 0; k < repeats; ++k) text.insert(text.end(), piece.begin(), piece.end());
    if (broken && random.Below(4) == 0) text.push_back(static_cast<uint8_t>(random.Next()));
  }
  return text;
}

}  // namespace kv::test
