#include "core/tokenizer_model.h"

#include "core/bpe.h"
#include "core/nfc.h"
#include "core/token_names.h"

namespace kv {
namespace {

// Bytes that no valid UTF-8 contains may lack a token; this id is in no merge.
constexpr uint32_t kUnusedToken = MergeTable::kMaxTokens;

bool OccursInUtf8(uint32_t byte) { return byte != 0xc0 && byte != 0xc1 && byte < 0xf5; }

// The tokens that a word equal to them becomes.
std::vector<TokenBytes> WholeWords(std::span<const TokenBytes> tokens, const MergeTable& merges,
                                   const CharacterTokens& characters) {
  std::vector<TokenBytes> words;
  words.reserve(tokens.size());
  WordMerger merger(merges, characters);
  Buffer<uint32_t> ids;
  for (const TokenBytes& token : tokens) {
    const auto size = static_cast<uint32_t>(token.bytes.size());
    ids.Clear();
    if (merger.Tokenize(token.bytes.data(), size, ids.Reserve(size)) == 1) words.push_back(token);
  }
  return words;
}

void NormalizeContents(std::vector<AddedToken>* tokens) {
  for (AddedToken& token : *tokens) {
    Buffer<uint8_t> normal;
    SharedNfc().Append(reinterpret_cast<const uint8_t*>(token.content.data()), token.content.size(),
                       &normal);
    token.content.assign(reinterpret_cast<const char*>(normal.data()), normal.size());
  }
}

}  // namespace

std::unique_ptr<const TokenizerModel> TokenizerModel::Build(TokenizerSpec spec,
                                                            std::string* error) {
  TokenNames names;
  if (!names.Read(spec.token_names, spec.token_ids, error)) return nullptr;
  uint32_t byte_tokens[256];
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const auto text = static_cast<uint8_t>(byte);
    byte_tokens[byte] = names.Find({&text, 1});
    if (byte_tokens[byte] != kNoToken) continue;
    if (OccursInUtf8(byte)) {
      *error = "the vocabulary has no token for byte " + std::to_string(byte);
      return nullptr;
    }
    byte_tokens[byte] = kUnusedToken;
  }
  std::vector<Merge> merge_list;
  if (!names.ReadMerges(spec.merges, spec.merge_count, &merge_list, error)) return nullptr;
  MergeTable merges(merge_list, byte_tokens);
  CharacterTokens characters(names.tokens(), merge_list, merges);
  Vocabulary whole_words(spec.ignore_merges ? names.tokens()
                                            : WholeWords(names.tokens(), merges, characters));
  if (spec.nfc) NormalizeContents(&spec.normalized_tokens);
  return std::unique_ptr<const TokenizerModel>(new TokenizerModel(
      std::move(spec), std::move(merges), std::move(characters), std::move(whole_words)));
}

TokenizerModel::TokenizerModel(TokenizerSpec&& spec, MergeTable&& merges,
                               CharacterTokens&& characters, Vocabulary&& whole_words)
    : merges_(std::move(merges)),
      characters_(std::move(characters)),
      whole_words_(std::move(whole_words)),
      raw_tokens_(std::move(spec.raw_tokens)),
      normalized_tokens_(std::move(spec.normalized_tokens)),
      safe_cut_(spec.split_rules, normalized_tokens_, spec.prefix_space),
      token_texts_(spec.token_names, spec.token_ids, raw_tokens_.tokens(),
                   normalized_tokens_.tokens()),
      pretokenizer_(std::move(spec.split_rules)),
      nfc_(spec.nfc),
      prefix_space_(spec.prefix_space),
      ids_before_(std::move(spec.ids_before)),
      ids_after_(std::move(spec.ids_after)) {}

}  // namespace kv
