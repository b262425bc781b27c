#include "core/tokenizer_model.h"

#include <unordered_map>

#include "core/byte_alphabet.h"
#include "core/nfc.h"

namespace kv {
namespace {

// Bytes that no valid UTF-8 contains may lack a token; this id is in no merge.
constexpr uint32_t kUnusedToken = MergeTable::kMaxTokens - 1;

bool OccursInUtf8(uint32_t byte) { return byte != 0xc0 && byte != 0xc1 && byte < 0xf5; }

// The part of `*text` up to the next `separator`, which is consumed with it.
std::string_view TakeUntil(char separator, std::string_view* text) {
  const size_t at = text->find(separator);
  const std::string_view part = text->substr(0, at);
  *text = at == std::string_view::npos ? std::string_view() : text->substr(at + 1);
  return part;
}

// Tokens that are written in the byte-level alphabet, by their bytes. Others (special tokens,
// placeholders) cannot result from merges.
class TokenNames {
 public:
  bool Read(const TokenizerSpec& spec, std::string* error) {
    std::string_view names = spec.token_names;
    std::vector<bool> seen(kUnusedToken);
    ids_.reserve(spec.token_ids.size());
    for (const uint32_t id : spec.token_ids) {
      const std::string_view name = TakeUntil('\n', &names);
      if (id >= kUnusedToken) {
        *error = "token id " + std::to_string(id) + " is too large";
        return false;
      }
      if (seen[id]) {
        *error = "two tokens have id " + std::to_string(id);
        return false;
      }
      seen[id] = true;
      std::string bytes;
      if (!name.empty() && alphabet_.Decode(name, &bytes)) ids_.emplace(std::move(bytes), id);
    }
    if (!names.empty()) {
      *error = "a token contains a newline";
      return false;
    }
    return true;
  }

  uint32_t Find(const std::string& bytes) const {
    const auto found = ids_.find(bytes);
    return found == ids_.end() ? kNoToken : found->second;
  }

  bool ReadMerges(std::string_view lines, std::vector<Merge>* merges, std::string* error) const {
    std::string left;
    std::string right;
    while (!lines.empty()) {
      const std::string_view line = TakeUntil('\n', &lines);
      const size_t space = line.find(' ');
      left.clear();
      right.clear();
      Merge merge{kNoToken, kNoToken, kNoToken};
      if (space != std::string_view::npos && alphabet_.Decode(line.substr(0, space), &left) &&
          alphabet_.Decode(line.substr(space + 1), &right)) {
        merge = {Find(left), Find(right), Find(left + right)};
      }
      if (merge.left == kNoToken || merge.right == kNoToken || merge.merged == kNoToken) {
        *error = "merge " + std::to_string(merges->size()) + " (" + std::string(line) +
                 ") is not of byte-level tokens";
        return false;
      }
      merges->push_back(merge);
      if (merges->size() > MergeTable::kMaxMerges) {
        *error = "there are too many merges";
        return false;
      }
    }
    return true;
  }

  // The tokens that a word equal to them becomes.
  std::vector<TokenBytes> WholeWords(const MergeTable& merges, bool ignore_merges) const {
    std::vector<TokenBytes> words;
    words.reserve(ids_.size());
    WordMerger merger(merges);
    std::vector<uint32_t> tokens;
    for (const auto& [bytes, id] : ids_) {
      const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
      const auto size = static_cast<uint32_t>(bytes.size());
      tokens.resize(size);
      if (ignore_merges || merger.Tokenize(data, size, tokens.data()) == 1) {
        words.push_back({{data, size}, id});
      }
    }
    return words;
  }

 private:
  const ByteAlphabet alphabet_;
  std::unordered_map<std::string, uint32_t> ids_;
};

void NormalizeContents(std::vector<AddedToken>* tokens) {
  for (AddedToken& token : *tokens) {
    Buffer<uint8_t> normal;
    SharedNfc().Append(reinterpret_cast<const uint8_t*>(token.content.data()),
                       token.content.size(), &normal);
    token.content.assign(reinterpret_cast<const char*>(normal.data()), normal.size());
  }
}

}  // namespace

std::unique_ptr<const TokenizerModel> TokenizerModel::Build(TokenizerSpec spec,
                                                            std::string* error) {
  TokenNames names;
  if (!names.Read(spec, error)) return nullptr;
  uint32_t byte_tokens[256];
  for (uint32_t byte = 0; byte < 256; ++byte) {
    byte_tokens[byte] = names.Find(std::string(1, static_cast<char>(byte)));
    if (byte_tokens[byte] != kNoToken) continue;
    if (OccursInUtf8(byte)) {
      *error = "the vocabulary has no token for byte " + std::to_string(byte);
      return nullptr;
    }
    byte_tokens[byte] = kUnusedToken;
  }
  std::vector<Merge> merge_list;
  if (!names.ReadMerges(spec.merges, &merge_list, error)) return nullptr;
  MergeTable merges(merge_list, byte_tokens);
  Vocabulary whole_words(names.WholeWords(merges, spec.ignore_merges));
  if (spec.nfc) NormalizeContents(&spec.normalized_tokens);
  return std::unique_ptr<const TokenizerModel>(
      new TokenizerModel(std::move(spec), std::move(merges), std::move(whole_words)));
}

TokenizerModel::TokenizerModel(TokenizerSpec&& spec, MergeTable&& merges, Vocabulary&& whole_words)
    : merges_(std::move(merges)),
      whole_words_(std::move(whole_words)),
      pretokenizer_(std::move(spec.split_rules)),
      raw_tokens_(std::move(spec.raw_tokens)),
      normalized_tokens_(std::move(spec.normalized_tokens)),
      nfc_(spec.nfc),
      prefix_space_(spec.prefix_space),
      ids_before_(std::move(spec.ids_before)),
      ids_after_(std::move(spec.ids_after)) {}

}  // namespace kv
