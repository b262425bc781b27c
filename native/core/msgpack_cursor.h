// Walks over msgpack without building anything: just the part of the format that vLLM's events use.
// Extension types are refused, as in src/events/msgpack-walker.ts.
//
// Invariants:
//  (1) No read goes beyond the message, whatever its bytes claim.
//  (2) Skipping takes time in proportion to the bytes skipped and no stack: containers are
//  flattened
//      into one count of values still to come.
// Every method that reads returns false, and leaves the cursor somewhere, if the bytes are not what
// was asked for; typed reads look at the type first and then leave the cursor where it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kv {

class MsgpackCursor {
 public:
  explicit MsgpackCursor(std::span<const uint8_t> message, size_t offset = 0) noexcept
      : message_(message), at_(offset) {}

  [[nodiscard]] size_t offset() const noexcept { return at_; }

  [[nodiscard]] bool ReadArray(uint64_t& count) noexcept {
    return ReadContainer(0x90, 0xdc, count);
  }
  [[nodiscard]] bool ReadMap(uint64_t& pairs) noexcept { return ReadContainer(0x80, 0xde, pairs); }
  [[nodiscard]] bool ReadNil() noexcept {
    if (Head() != 0xc0) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool ReadText(std::string_view& text) noexcept;
  // An integer of any size; negative ones in two's complement.
  [[nodiscard]] bool ReadInteger(uint64_t& bits, bool& negative) noexcept;
  // A float or an integer.
  [[nodiscard]] bool ReadNumber(double& number) noexcept;
  [[nodiscard]] bool ReadBytes(std::span<const uint8_t>& bytes) noexcept;
  // Skips so many whole values.
  [[nodiscard]] bool Skip(uint64_t values) noexcept;

 private:
  // The byte at the cursor; 0xc1, which msgpack never uses, at the end.
  [[nodiscard]] uint8_t Head() const noexcept {
    return at_ < message_.size() ? message_[at_] : uint8_t{0xc1};
  }
  [[nodiscard]] size_t left() const noexcept { return message_.size() - at_; }
  // REQUIRES: at + size lies within the message.
  [[nodiscard]] uint64_t BigEndian(size_t at, size_t size) const noexcept {
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | message_[at + i];
    return value;
  }
  [[nodiscard]] bool ReadContainer(uint8_t fixed, uint8_t sized, uint64_t& count) noexcept;
  [[nodiscard]] std::optional<std::span<const uint8_t>> ReadSized(size_t length_bytes) noexcept;

  std::span<const uint8_t> message_;
  size_t at_;
};

}  // namespace kv
