#include "core/nfc.h"

#include <algorithm>

#include "core/unicode.h"
#include "core/unicode_data.h"
#include "core/utf8.h"

namespace kv {
namespace {

// Hangul syllables are composed by arithmetic (Unicode standard, section 3.12).
constexpr uint32_t kHangulBase = 0xac00;
constexpr uint32_t kLeadBase = 0x1100;
constexpr uint32_t kVowelBase = 0x1161;
constexpr uint32_t kTrailBase = 0x11a7;
constexpr uint32_t kLeadCount = 19;
constexpr uint32_t kVowelCount = 21;
constexpr uint32_t kTrailCount = 28;
constexpr uint32_t kSyllableCount = kLeadCount * kVowelCount * kTrailCount;

uint8_t CombiningClass(uint32_t code) {
  return code < kCombiningLimit ? Unicode().combining[code] : 0;
}

bool IsUnstable(uint32_t code) { return (Unicode().properties[code] & kUnstableProperty) != 0; }

uint64_t PairKey(uint32_t first, uint32_t second) { return uint64_t{first} << 32 | second; }

// Position of the first unstable character at or behind `i`, or `size`.
size_t FindUnstable(const uint8_t* text, size_t i, size_t size) {
  while (i < size) {
    if (text[i] < 0x80) {
      i += AsciiPrefix(text + i, size - i);
      continue;
    }
    const CodePoint code = DecodeUtf8(text + i);
    if (IsUnstable(code.value)) return i;
    i += code.size;
  }
  return size;
}

}  // namespace

Nfc::Nfc() {
  std::vector<std::pair<uint32_t, Parts>> composites;
  for (size_t i = 0; i < kDecompositionsCount;) {
    const uint32_t code = kDecompositions[i] >> 8;
    const bool composes = (kDecompositions[i] & 0x80) != 0;
    Parts parts{{}, kDecompositions[i] & 0x7f};
    for (uint32_t k = 0; k < parts.count; ++k) parts.codes[k] = kDecompositions[i + 1 + k];
    i += 1 + parts.count;
    decompositions_.emplace(code, parts);
    if (composes) composites.emplace_back(code, parts);
  }
  // The first half of a pair may be a composite of fewer parts.
  std::sort(composites.begin(), composites.end(),
            [](const auto& a, const auto& b) { return a.second.count < b.second.count; });
  for (const auto& [code, parts] : composites) {
    uint32_t first = parts.codes[0];
    for (uint32_t k = 1; k + 1 < parts.count; ++k) first = Compose(first, parts.codes[k]);
    compositions_.emplace(PairKey(first, parts.codes[parts.count - 1]), code);
  }
}

bool Nfc::IsStable(const uint8_t* text, size_t size) const {
  return FindUnstable(text, 0, size) == size;
}

void Nfc::Append(const uint8_t* text, size_t size, Buffer<uint8_t>* out) const {
  std::vector<Item> items;
  size_t copied = 0;
  while (copied < size) {
    const size_t unstable = FindUnstable(text, copied, size);
    if (unstable == size) break;
    // What an unstable character can change starts at the stable one before it and ends at the
    // next stable one.
    size_t begin = unstable;
    if (begin > copied) {
      do --begin;
      while (IsUtf8Continuation(text[begin]));
    }
    size_t end = unstable;
    while (end < size) {
      const CodePoint code = DecodeUtf8(text + end);
      if (!IsUnstable(code.value)) break;
      end += code.size;
    }
    out->Append(text + copied, begin - copied);
    NormalizeSpan(text + begin, end - begin, &items, out);
    copied = end;
  }
  out->Append(text + copied, size - copied);
}

void Nfc::NormalizeSpan(const uint8_t* text, size_t size, std::vector<Item>* items,
                        Buffer<uint8_t>* out) const {
  items->clear();
  for (size_t i = 0; i < size;) {
    const CodePoint code = DecodeUtf8(text + i);
    Decompose(code.value, items);
    i += code.size;
  }
  // Canonical ordering: marks between two starters, by class, keeping the order of equals.
  for (auto it = items->begin(); it != items->end();) {
    const auto marks =
        std::find_if(it, items->end(), [](const Item& item) { return item.combining != 0; });
    it = std::find_if(marks, items->end(), [](const Item& item) { return item.combining == 0; });
    std::stable_sort(marks, it,
                     [](const Item& a, const Item& b) { return a.combining < b.combining; });
  }
  // Composition: each character with the last starter unless something between blocks it.
  size_t kept = 0;
  size_t starter = SIZE_MAX;
  uint8_t last_class = 0;
  for (const Item item : *items) {
    const bool adjacent = starter != SIZE_MAX && starter + 1 == kept;
    if (starter != SIZE_MAX && (adjacent || last_class < item.combining)) {
      if (const uint32_t composite = Compose((*items)[starter].code, item.code)) {
        (*items)[starter].code = composite;
        continue;
      }
    }
    if (item.combining == 0) starter = kept;
    last_class = item.combining;
    (*items)[kept++] = item;
  }
  uint8_t* bytes = out->Reserve(kept * 4);
  size_t written = 0;
  for (size_t i = 0; i < kept; ++i) written += EncodeUtf8((*items)[i].code, bytes + written);
  out->Grow(written);
}

void Nfc::Decompose(uint32_t code, std::vector<Item>* items) const {
  if (code >= kHangulBase && code < kHangulBase + kSyllableCount) {
    const uint32_t index = code - kHangulBase;
    items->push_back({kLeadBase + index / (kVowelCount * kTrailCount), 0});
    items->push_back({kVowelBase + index / kTrailCount % kVowelCount, 0});
    if (index % kTrailCount != 0) items->push_back({kTrailBase + index % kTrailCount, 0});
    return;
  }
  const auto found = decompositions_.find(code);
  if (found == decompositions_.end()) {
    items->push_back({code, CombiningClass(code)});
    return;
  }
  for (uint32_t k = 0; k < found->second.count; ++k) {
    items->push_back({found->second.codes[k], CombiningClass(found->second.codes[k])});
  }
}

uint32_t Nfc::Compose(uint32_t first, uint32_t second) const {
  if (first >= kLeadBase && first < kLeadBase + kLeadCount && second >= kVowelBase &&
      second < kVowelBase + kVowelCount) {
    return kHangulBase + ((first - kLeadBase) * kVowelCount + (second - kVowelBase)) * kTrailCount;
  }
  const bool syllable = first >= kHangulBase && first < kHangulBase + kSyllableCount;
  if (syllable && (first - kHangulBase) % kTrailCount == 0 && second > kTrailBase &&
      second < kTrailBase + kTrailCount) {
    return first + (second - kTrailBase);
  }
  const auto found = compositions_.find(PairKey(first, second));
  return found == compositions_.end() ? 0 : found->second;
}

const Nfc& SharedNfc() {
  static const Nfc* const nfc = new Nfc;
  return *nfc;
}

}  // namespace kv
