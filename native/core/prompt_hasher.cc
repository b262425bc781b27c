#include "core/prompt_hasher.h"

#include <algorithm>
#include <cstring>

namespace kv {
namespace {

// A stretch has at least this many bytes, and for each token of a block: looking it up costs a
// cache miss or two, and its context may hold almost a block of tokens.
constexpr uint32_t kStretchBytesMin = 1024;
constexpr uint32_t kStretchBytesPerBlockToken = 16;
// A shorter tail is made anew as fast as it is looked up.
constexpr size_t kKnownBytesMin = 128;
// Kept between calls, in items: prompts of 128k tokens.
constexpr size_t kMaxKeptItems = size_t{1} << 17;

struct Context {
  uint32_t algorithm;
  uint32_t block_size;
  uint32_t link_bytes;
  uint32_t carry_count;
  uint32_t every_bytes;
  uint32_t first_bytes;
};

// Followed by the tokens left over, the link, and two words for each hash.
struct EntryHead {
  uint32_t token_count;
  uint32_t carry_count;
  uint32_t link_bytes;
  uint32_t value_count;
};
constexpr size_t kHeadWords = sizeof(EntryHead) / sizeof(uint32_t);

template <typename T>
const uint8_t* BytesOf(const T* items) {
  return reinterpret_cast<const uint8_t*>(items);
}

}  // namespace

PromptHasher::Outcome PromptHasher::Hash(std::span<const uint8_t> text,
                                         const BlockChain<uint32_t>& settings,
                                         size_t new_bytes_max) {
  values_.ReleaseAbove(kMaxKeptItems);
  carry_.ReleaseAbove(kMaxKeptItems);
  next_carry_.ReleaseAbove(kMaxKeptItems);
  token_count_ = 0;
  Cut(text, settings.block_size);
  ChainLink link(settings.root);
  bool all_known = true;
  size_t begin = 0;
  for (size_t i = 0; i < ends_.size(); ++i) {
    const auto stretch = text.subspan(begin, ends_[i] - begin);
    MakeContext(settings, link);
    const SegmentKey key = MakeSegmentKey({context_.data(), context_.size()}, stretch);
    if (stretch.size() < kKnownBytesMin || !Find(key, &link)) {
      if (all_known && text.size() - begin > new_bytes_max) return Outcome::kTooMuchNew;
      all_known = false;
      if (!Append(key, settings, &link)) return Outcome::kUnhashable;
    }
    begin = ends_[i];
  }
  return Outcome::kHashed;
}

void PromptHasher::Cut(std::span<const uint8_t> text, uint32_t block_size) {
  const uint32_t least = std::max(
      kStretchBytesMin, std::min(block_size, kMaxBlockSizeTokens) * kStretchBytesPerBlockToken);
  const auto size = static_cast<uint32_t>(text.size());
  ends_.ReleaseAbove(kMaxKeptItems);
  const auto cut = [this](uint32_t end) { ends_.Append(&end, 1); };
  if (size == 0) return;
  // Where tokens look at what stands around them, text is not the same without it.
  if (model_.raw_tokens().reads_context()) return cut(size);
  parts_.ReleaseAbove(kMaxKeptItems);
  model_.raw_tokens().Split(text.data(), size, &parts_);
  uint32_t begin = 0;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const TextPart part = parts_[i];
    while (part.id == kNoToken) {
      const uint32_t from = std::max(begin + least, part.begin + 1);
      if (from >= part.end) break;
      const uint32_t found =
          part.begin + model_.safe_cut().Find(text.data() + part.begin, from - part.begin,
                                              part.end - part.begin);
      if (found == part.end) break;
      cut(found);
      begin = found;
    }
    if (part.end - begin >= least) {
      cut(part.end);
      begin = part.end;
    }
  }
  if (begin != size) cut(size);
}

void PromptHasher::MakeContext(const BlockChain<uint32_t>& settings, const ChainLink& link) {
  // Keys of the first block matter until it is hashed; after that its digest holds them.
  const bool has_first = values_.size() == 0 && !settings.extra_blocks.empty();
  const std::span<const uint8_t> first =
      has_first ? settings.extra_values[0] : std::span<const uint8_t>();
  const Context head = {static_cast<uint32_t>(settings.algorithm),
                        settings.block_size,
                        link.size,
                        static_cast<uint32_t>(carry_.size()),
                        static_cast<uint32_t>(settings.extra_every.size()),
                        static_cast<uint32_t>(first.size())};
  context_.Clear();
  context_.Append(BytesOf(&head), sizeof head);
  context_.Append(link.bytes.data(), link.size);
  context_.Append(BytesOf(carry_.data()), carry_.size() * sizeof(uint32_t));
  context_.Append(settings.extra_every.data(), settings.extra_every.size());
  context_.Append(first.data(), first.size());
}

bool PromptHasher::Find(const SegmentKey& key, ChainLink* link) {
  entry_.Clear();
  if (!stretches_.Find(key, &entry_)) return false;
  EntryHead head;
  memcpy(&head, entry_.data(), sizeof head);
  const uint32_t* words = entry_.data() + kHeadWords;
  carry_.Clear();
  carry_.Append(words, head.carry_count);
  words += head.carry_count;
  *link = ChainLink({BytesOf(words), head.link_bytes});
  words += head.link_bytes / sizeof(uint32_t);
  if (head.value_count != 0) {
    memcpy(values_.Reserve(head.value_count), words, head.value_count * sizeof(uint64_t));
    values_.Grow(head.value_count);
  }
  token_count_ += head.token_count;
  return true;
}

bool PromptHasher::Append(const SegmentKey& key, const BlockChain<uint32_t>& settings,
                          ChainLink* link) {
  const std::span<const uint32_t> ids = encoder_.Encode(key.text, false);
  token_count_ += ids.size();
  carry_.Append(ids.data(), ids.size());
  const size_t count = carry_.size() / settings.block_size;
  const size_t digest_bytes = DigestBytes(settings.algorithm);
  const std::span<uint64_t> values(values_.Reserve(count), count);
  if (count != 0) {
    digests_.ReleaseAbove(kMaxKeptItems);
    uint8_t* const digests = digests_.Reserve(count * digest_bytes);
    BlockChain<uint32_t> chain = settings;
    chain.root = link->view();
    chain.tokens = {carry_.data(), carry_.size()};
    if (values_.size() != 0) {
      chain.extra_blocks = {};
      chain.extra_values = {};
    }
    if (!HashBlocks(chain, {.values = values, .digests = digests, .preimages = nullptr})) {
      return false;
    }
    *link = ChainLink({digests + (count - 1) * digest_bytes, digest_bytes});
    values_.Grow(count);
  }
  const size_t hashed = count * settings.block_size;
  next_carry_.Clear();
  next_carry_.Append(carry_.data() + hashed, carry_.size() - hashed);
  std::swap(carry_, next_carry_);
  if (key.text.size() < kKnownBytesMin) return true;

  const EntryHead head = {static_cast<uint32_t>(ids.size()), static_cast<uint32_t>(carry_.size()),
                          link->size, static_cast<uint32_t>(count)};
  const auto append = [this](const void* bytes, size_t size) {
    if (size == 0) return;  // an empty part may have no address, which memcpy does not allow
    memcpy(entry_.Reserve(size / sizeof(uint32_t)), bytes, size);
    entry_.Grow(size / sizeof(uint32_t));
  };
  entry_.Clear();
  append(&head, sizeof head);
  append(carry_.data(), carry_.size() * sizeof(uint32_t));
  append(link->bytes.data(), link->size);
  append(values.data(), values.size_bytes());
  stretches_.Store(key, {entry_.data(), entry_.size()});
  return true;
}

}  // namespace kv
