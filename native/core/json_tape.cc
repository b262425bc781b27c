#include "core/json_tape.h"

#include <array>
#include <bit>
#include <cstring>

#include "core/utf8.h"
#include "core/word_key.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

// What a run of plain text inside a string ended with.
struct PlainRun {
  size_t size;
  bool is_ascii;
};

bool EndsPlainText(uint8_t byte) { return byte == '"' || byte == '\\' || byte < 0x20; }

// Bytes before the first quote, backslash or control character. With `copy` they are also written
// there, and up to 15 bytes more.
PlainRun SkipPlainText(const uint8_t* text, size_t size, uint8_t* copy) {
  size_t i = 0;
  uint32_t high_bits = 0;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1f);
  for (; i + 16 <= size; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i));
    if (copy != nullptr) _mm_storeu_si128(reinterpret_cast<__m128i*>(copy + i), bytes);
    const __m128i ends =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes));
    const auto high = static_cast<uint32_t>(_mm_movemask_epi8(bytes));
    const auto found = static_cast<uint32_t>(_mm_movemask_epi8(ends));
    if (found != 0) {
      const int place = std::countr_zero(found);
      high_bits |= high & ((1u << place) - 1);
      return {i + static_cast<size_t>(place), high_bits == 0};
    }
    high_bits |= high;
  }
#endif
  for (; i < size && !EndsPlainText(text[i]); ++i) {
    if (copy != nullptr) copy[i] = text[i];
    high_bits |= text[i] & 0x80u;
  }
  return {i, high_bits == 0};
}

int HexDigit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  const uint8_t lower = byte | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool IsDigit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

class TapeWriter {
 public:
  TapeWriter(std::span<const uint8_t> text, std::span<uint32_t> tape, uint8_t* unescaped)
      : begin_(text.data()),
        p_(begin_),
        end_(begin_ + text.size()),
        tape_(tape),
        unescaped_begin_(unescaped),
        unescaped_(unescaped) {}

  JsonResult Read(size_t* word_count) {
    if (!Value()) return result_;
    SkipSpace();
    *word_count = count_;
    return p_ == end_ ? JsonResult::kRead : JsonResult::kRefused;
  }

 private:
  bool Refuse() {
    result_ = JsonResult::kRefused;
    return false;
  }

  bool Put(uint32_t word) {
    if (count_ == tape_.size()) {
      result_ = JsonResult::kNoRoom;
      return false;
    }
    tape_[count_++] = word;
    return true;
  }

  static uint32_t Word(JsonKind kind, size_t payload) {
    return static_cast<uint32_t>(payload << kJsonKindBits) | static_cast<uint32_t>(kind);
  }
  bool Put(JsonKind kind, size_t payload) { return Put(Word(kind, payload)); }

  void SkipSpace() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t')) ++p_;
  }

  // Skips white space and, if it is next, `byte`.
  bool Take(uint8_t byte) {
    SkipSpace();
    if (p_ == end_ || *p_ != byte) return false;
    ++p_;
    return true;
  }

  bool Value() {
    SkipSpace();
    if (p_ == end_) return Refuse();
    switch (*p_) {
      case '"':
        return Text();
      case '{':
        return Object();
      case '[':
        return Array();
      case 't':
        return Literal("true", 2);
      case 'f':
        return Literal("false", 1);
      case 'n':
        return Literal("null", 0);
      default:
        return Number();
    }
  }

  bool Literal(std::string_view word, uint32_t value) {
    if (static_cast<size_t>(end_ - p_) < word.size() || memcmp(p_, word.data(), word.size()) != 0) {
      return Refuse();
    }
    p_ += word.size();
    return Put(JsonKind::kWord, value);
  }

  bool Enter() {
    ++p_;
    return ++depth_ <= kMaxJsonDepth || Refuse();
  }

  bool Object() {
    const size_t head = count_;
    if (!Enter() || !Put(0)) return false;
    size_t members = 0;
    if (!Take('}')) {
      do {
        SkipSpace();
        if (p_ == end_ || *p_ != '"') return Refuse();
        if (!Text()) return false;
        if (!Take(':')) return Refuse();
        if (!Value()) return false;
        ++members;
      } while (Take(','));
      if (!Take('}')) return Refuse();
    }
    tape_[head] = Word(JsonKind::kObject, members);
    --depth_;
    return true;
  }

  bool Array() {
    const size_t head = count_;
    if (!Enter() || !Put(0)) return false;
    size_t items = 0;
    bool only_integers = true;
    if (!Take(']')) {
      do {
        const size_t item = count_;
        if (!Value()) return false;
        only_integers &= (tape_[item] & ((1u << kJsonKindBits) - 1)) ==
                         static_cast<uint32_t>(JsonKind::kInteger);
        ++items;
      } while (Take(','));
      if (!Take(']')) return Refuse();
    }
    only_integers &= items != 0;
    if (only_integers) {
      for (size_t i = head + 1; i < count_; ++i) tape_[i] >>= kJsonKindBits;
    }
    tape_[head] = Word(only_integers ? JsonKind::kIntegers : JsonKind::kArray, items);
    --depth_;
    return true;
  }

  bool Text() {
    const uint8_t* const first = ++p_;
    const PlainRun run = SkipPlainText(p_, static_cast<size_t>(end_ - p_), nullptr);
    p_ += run.size;
    if (p_ == end_) return Refuse();
    if (*p_ == '\\') return EscapedText(first, run);
    if (*p_ != '"') return Refuse();
    const auto size = static_cast<size_t>(p_ - first);
    ++p_;
    if (run.is_ascii) {
      if (size <= kShortWordMax && static_cast<size_t>(end_ - first) >= kShortWordMax) {
        const int known = Known().Find(first, static_cast<uint32_t>(size));
        if (known >= 0) return Put(JsonKind::kKnown, static_cast<size_t>(known));
      }
      return PutText(JsonKind::kAscii, first - begin_, size);
    }
    if (ValidUtf8Prefix(first, size) != size) return Refuse();
    return PutText(JsonKind::kUtf8, first - begin_, size);
  }

  bool PutText(JsonKind kind, ptrdiff_t place, size_t size) {
    return Put(kind, size) && Put(static_cast<uint32_t>(place));
  }

  // `run` is the plain text from `first` to the first backslash.
  bool EscapedText(const uint8_t* first, PlainRun run) {
    uint8_t* const begin = unescaped_;
    memcpy(unescaped_, first, run.size);
    unescaped_ += run.size;
    bool is_ascii = run.is_ascii;
    do {
      if (!Escape(&is_ascii)) return Refuse();
      run = SkipPlainText(p_, static_cast<size_t>(end_ - p_), unescaped_);
      is_ascii &= run.is_ascii;
      p_ += run.size;
      unescaped_ += run.size;
      if (p_ == end_) return Refuse();
    } while (*p_ == '\\');
    if (*p_++ != '"') return Refuse();
    const auto size = static_cast<size_t>(unescaped_ - begin);
    if (!is_ascii && ValidUtf8Prefix(begin, size) != size) return Refuse();
    return PutText(is_ascii ? JsonKind::kUnescapedAscii : JsonKind::kUnescapedUtf8,
                   begin - unescaped_begin_, size);
  }

  // Writes what the escape at p_ stands for. UTF-8 has no lone surrogates, so they are refused.
  bool Escape(bool* is_ascii) {
    if (end_ - p_ < 2) return false;
    const uint8_t letter = p_[1];
    p_ += 2;
    switch (letter) {
      case '"':
      case '\\':
      case '/':
        *unescaped_++ = letter;
        return true;
      case 'b':
        *unescaped_++ = '\b';
        return true;
      case 'f':
        *unescaped_++ = '\f';
        return true;
      case 'n':
        *unescaped_++ = '\n';
        return true;
      case 'r':
        *unescaped_++ = '\r';
        return true;
      case 't':
        *unescaped_++ = '\t';
        return true;
      case 'u':
        break;
      default:
        return false;
    }
    uint32_t code;
    if (!HexNumber(&code)) return false;
    if (code >= 0xd800 && code < 0xe000) {
      uint32_t low;
      if (code >= 0xdc00 || end_ - p_ < 2 || p_[0] != '\\' || p_[1] != 'u') return false;
      p_ += 2;
      if (!HexNumber(&low) || low < 0xdc00 || low >= 0xe000) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    *is_ascii &= code < 0x80;
    unescaped_ += EncodeUtf8(code, unescaped_);
    return true;
  }

  bool HexNumber(uint32_t* number) {
    if (end_ - p_ < 4) return false;
    *number = 0;
    for (int i = 0; i < 4; ++i) {
      const int digit = HexDigit(*p_++);
      if (digit < 0) return false;
      *number = *number << 4 | static_cast<uint32_t>(digit);
    }
    return true;
  }

  bool Number() {
    const uint8_t* const first = p_;
    uint32_t value = 0;
    const uint8_t* const short_end = end_ - p_ > 8 ? p_ + 8 : end_;
    while (p_ != short_end && IsDigit(*p_)) value = value * 10 + (*p_++ - '0');
    const bool ends = p_ != end_ && (*p_ == ',' || *p_ == ']' || *p_ == '}');
    // Eight digits stay below 2^28.
    static_assert(99'999'999 < kMaxJsonBytes);
    if (ends && p_ != first && (p_ - first == 1 || *first != '0')) {
      return Put(JsonKind::kInteger, value);
    }
    p_ = first;
    if (p_ != end_ && *p_ == '-') ++p_;
    if (p_ == end_ || !IsDigit(*p_)) return Refuse();
    if (*p_ == '0') {
      ++p_;
    } else {
      SkipDigits();
    }
    if (p_ != end_ && *p_ == '.') {
      ++p_;
      if (!SkipDigits()) return Refuse();
    }
    if (p_ != end_ && (*p_ | 0x20) == 'e') {
      ++p_;
      if (p_ != end_ && (*p_ == '+' || *p_ == '-')) ++p_;
      if (!SkipDigits()) return Refuse();
    }
    return PutText(JsonKind::kNumber, first - begin_, static_cast<size_t>(p_ - first));
  }

  bool SkipDigits() {
    const uint8_t* const first = p_;
    while (p_ != end_ && IsDigit(*p_)) ++p_;
    return p_ != first;
  }

  const uint8_t* const begin_;
  const uint8_t* p_;
  const uint8_t* const end_;
  const std::span<uint32_t> tape_;
  uint8_t* const unescaped_begin_;
  uint8_t* unescaped_;
  size_t count_ = 0;
  uint32_t depth_ = 0;
  JsonResult result_ = JsonResult::kRefused;
};

}  // namespace

std::span<const std::string_view> KnownJsonTexts() noexcept { return kKnownTexts; }

JsonResult ReadJson(std::span<const uint8_t> text, std::span<uint32_t> tape,
                    std::span<uint8_t> unescaped, size_t* word_count) noexcept {
  return TapeWriter(text, tape, unescaped.data()).Read(word_count);
}

}  // namespace kv
