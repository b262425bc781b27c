// Everything of one tokenizer.json that encoding needs, in flat tables shared by all threads.
//
// Thread safety: immutable after Build().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/added_tokens.h"
#include "core/character_tokens.h"
#include "core/merge_table.h"
#include "core/pretokenizer.h"
#include "core/safe_cut.h"
#include "core/token_texts.h"
#include "core/vocabulary.h"

namespace kv {

// A tokenizer as its file describes it. Views must stay valid during Build() only.
struct TokenizerSpec {
  // Names of the model's tokens in the byte-level alphabet, separated by newlines, and their ids.
  std::string_view token_names;
  std::span<const uint32_t> token_ids;
  // One merge a line, "left right", lowest rank first.
  std::string_view merges;
  size_t merge_count = 0;
  // A word that is a token is not merged.
  bool ignore_merges = false;
  bool nfc = false;
  // A text that does not start with a space is given one.
  bool prefix_space = false;
  std::vector<SplitRule> split_rules;
  // Cut out of the text as it came, and out of the normalised text.
  std::vector<AddedToken> raw_tokens;
  std::vector<AddedToken> normalized_tokens;
  // What the post-processor puts around a text.
  std::vector<uint32_t> ids_before;
  std::vector<uint32_t> ids_after;
};

class TokenizerModel {
 public:
  // Returns null and the reason in `*error` when the tables cannot reproduce the tokenizer.
  static std::unique_ptr<const TokenizerModel> Build(TokenizerSpec spec, std::string* error);

  const MergeTable& merges() const { return merges_; }
  const CharacterTokens& characters() const { return characters_; }
  // Words that need no merging.
  const Vocabulary& whole_words() const { return whole_words_; }
  const Pretokenizer& pretokenizer() const { return pretokenizer_; }
  const AddedTokens& raw_tokens() const { return raw_tokens_; }
  const AddedTokens& normalized_tokens() const { return normalized_tokens_; }
  const SafeCut& safe_cut() const { return safe_cut_; }
  const TokenTexts& token_texts() const { return token_texts_; }
  bool nfc() const { return nfc_; }
  bool prefix_space() const { return prefix_space_; }
  std::span<const uint32_t> ids_before() const { return ids_before_; }
  std::span<const uint32_t> ids_after() const { return ids_after_; }

 private:
  TokenizerModel(TokenizerSpec&& spec, MergeTable&& merges, CharacterTokens&& characters,
                 Vocabulary&& whole_words);

  const MergeTable merges_;
  const CharacterTokens characters_;
  const Vocabulary whole_words_;
  const AddedTokens raw_tokens_;
  const AddedTokens normalized_tokens_;
  const SafeCut safe_cut_;
  const TokenTexts token_texts_;
  const Pretokenizer pretokenizer_;
  const bool nfc_;
  const bool prefix_space_;
  const std::vector<uint32_t> ids_before_;
  const std::vector<uint32_t> ids_after_;
};

}  // namespace kv
