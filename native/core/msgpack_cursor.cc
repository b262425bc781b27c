#include "core/msgpack_cursor.h"

#include <array>
#include <bit>

#include "core/number_run.h"

namespace kv {
namespace {

// Bytes of a value by its first byte, where that byte alone tells: numbers, nil, booleans, short
// texts. 0: look closer.
constexpr std::array<uint8_t, 256> MakeSizes() {
  std::array<uint8_t, 256> sizes{};
  for (int head = 0; head < 256; ++head) {
    uint8_t size = 0;
    if (head <= 0x7f || head >= 0xe0) size = 1;
    if (head >= 0xa0 && head <= 0xbf) size = static_cast<uint8_t>(1 + (head & 0x1f));
    if (head == 0xc0 || head == 0xc2 || head == 0xc3) size = 1;
    if (head == 0xca) size = 5;
    if (head == 0xcb) size = 9;
    if (head >= 0xcc && head <= 0xcf) size = static_cast<uint8_t>(1 + (1 << (head - 0xcc)));
    if (head >= 0xd0 && head <= 0xd3) size = static_cast<uint8_t>(1 + (1 << (head - 0xd0)));
    sizes[static_cast<size_t>(head)] = size;
  }
  return sizes;
}

constexpr std::array<uint8_t, 256> kSizes = MakeSizes();

// Bytes of the length that follows the first byte of long texts and byte strings; 0: none of them.
constexpr size_t LengthBytes(uint8_t head) {
  switch (head) {
    case 0xc4:
    case 0xd9:
      return 1;
    case 0xc5:
    case 0xda:
      return 2;
    case 0xc6:
    case 0xdb:
      return 4;
    default:
      return 0;
  }
}

}  // namespace

bool MsgpackCursor::ReadContainer(uint8_t fixed, uint8_t sized, uint64_t& count) noexcept {
  const uint8_t head = Head();
  if ((head & 0xf0) == fixed) {
    count = head & 0x0f;
    ++at_;
    return true;
  }
  const size_t length_bytes = head == sized ? 2 : head == sized + 1 ? 4 : 0;
  if (length_bytes == 0 || left() < 1 + length_bytes) return false;
  count = BigEndian(at_ + 1, length_bytes);
  at_ += 1 + length_bytes;
  return true;
}

std::optional<std::span<const uint8_t>> MsgpackCursor::ReadSized(size_t length_bytes) noexcept {
  if (left() < 1 + length_bytes) return std::nullopt;
  const uint64_t length = BigEndian(at_ + 1, length_bytes);
  if (left() - 1 - length_bytes < length) return std::nullopt;
  const auto content = message_.subspan(at_ + 1 + length_bytes, length);
  at_ += 1 + length_bytes + length;
  return content;
}

bool MsgpackCursor::ReadText(std::string_view& text) noexcept {
  const uint8_t head = Head();
  std::optional<std::span<const uint8_t>> content;
  if (head >= 0xa0 && head <= 0xbf) {
    const size_t length = head & 0x1f;
    if (left() - 1 < length) return false;
    content = message_.subspan(at_ + 1, length);
    at_ += 1 + length;
  } else if (head >= 0xd9 && head <= 0xdb) {
    content = ReadSized(LengthBytes(head));
  }
  if (!content.has_value()) return false;
  text = {reinterpret_cast<const char*>(content->data()), content->size()};
  return true;
}

bool MsgpackCursor::ReadBytes(std::span<const uint8_t>& bytes) noexcept {
  const uint8_t head = Head();
  if (head < 0xc4 || head > 0xc6) return false;
  const auto content = ReadSized(LengthBytes(head));
  if (!content.has_value()) return false;
  bytes = *content;
  return true;
}

bool MsgpackCursor::ReadInteger(uint64_t& bits, bool& negative) noexcept {
  const uint8_t head = Head();
  negative = head >= 0xe0;
  if (head <= 0x7f || negative) {
    bits = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int8_t>(head)));
    ++at_;
    return true;
  }
  if (head < 0xcc || head > 0xd3) return false;
  const size_t size = size_t{1} << ((head - 0xcc) % 4);
  if (left() < 1 + size) return false;
  bits = BigEndian(at_ + 1, size);
  if (head >= 0xd0) {
    const auto unused = static_cast<int>(64 - 8 * size);
    bits = static_cast<uint64_t>(static_cast<int64_t>(bits << unused) >> unused);
    negative = static_cast<int64_t>(bits) < 0;
  }
  at_ += 1 + size;
  return true;
}

bool MsgpackCursor::ReadNumber(double& number) noexcept {
  const uint8_t head = Head();
  if (head == 0xcb || head == 0xca) {
    const size_t size = head == 0xcb ? 8 : 4;
    if (left() < 1 + size) return false;
    const uint64_t bits = BigEndian(at_ + 1, size);
    number = size == 8 ? std::bit_cast<double>(bits)
                       : static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    at_ += 1 + size;
    return true;
  }
  uint64_t bits = 0;
  bool negative = false;
  if (!ReadInteger(bits, negative)) return false;
  number = negative ? static_cast<double>(static_cast<int64_t>(bits)) : static_cast<double>(bits);
  return true;
}

bool MsgpackCursor::Skip(uint64_t values) noexcept {
  const size_t end = message_.size();
  size_t at = at_;
  // A container may be full of numbers; what stops a fast run is looked at in the ordinary way.
  bool try_run = true;
  while (values > 0) {
    // Each value takes a byte at least, so more cannot be there; at <= end holds on either side.
    if (values > end - at) return false;
    if (try_run && values >= kLongRun) {
      const NumberRun run = SkipNumbers(message_.subspan(at), values);
      at += run.bytes;
      values -= run.values;
      try_run = false;
      continue;
    }
    const uint8_t head = message_[at];
    if (const uint8_t size = kSizes[head]; size != 0) {
      if (size > end - at) return false;
      at += size;
      --values;
      continue;
    }
    at_ = at;
    uint64_t count = 0;
    if (ReadArray(count)) {
      values += count - 1;
      try_run = count >= kLongRun;
    } else if (ReadMap(count)) {
      values += 2 * count - 1;
    } else {
      const size_t length_bytes = LengthBytes(head);
      if (length_bytes == 0 || !ReadSized(length_bytes).has_value()) return false;
      --values;
    }
    at = at_;
  }
  at_ = at;
  return true;
}

}  // namespace kv
