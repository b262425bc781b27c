#include "core/json_tape.h"

#include <cstring>

#include "core/json_known_texts.h"
#include "core/json_text_scan.h"
#include "core/utf8.h"
#include "core/word_key.h"

namespace kv {
namespace {

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
        const int known = FindKnownJsonText(first, static_cast<uint32_t>(size));
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

JsonResult ReadJson(std::span<const uint8_t> text, std::span<uint32_t> tape,
                    std::span<uint8_t> unescaped, size_t* word_count) noexcept {
  return TapeWriter(text, tape, unescaped.data()).Read(word_count);
}

}  // namespace kv
