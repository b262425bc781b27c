#include "core/token_encoder.h"

#include <bit>
#include <cstring>

namespace kv {
namespace {

static_assert(std::endian::native == std::endian::little, "wide stores assume little endian");

// Per form: the item is head | (id, bytes reversed if big endian, >> right) << left.
struct FormTable {
  std::array<uint64_t, 4> head{};
  std::array<uint8_t, 4> right{};
  std::array<uint8_t, 4> left{};
};

constexpr FormTable MakeForms(const TokenFormat& format) {
  FormTable table;
  for (size_t form = 0; form < 4; ++form) {
    table.head[form] = format.heads[form][0] | format.heads[form][1] << 8;
    table.right[form] = format.big_endian ? 32 - 8 * format.id_bytes[form] : 0;
    table.left[form] = 8 * format.head_bytes[form];
  }
  return table;
}

// Eight bytes are stored whatever the id's form, so that no branch depends on it.
template <const TokenFormat& kFormat>
uint8_t* AppendForms(uint8_t* out, const uint32_t* ids, size_t count) noexcept {
  static constexpr FormTable kForms = MakeForms(kFormat);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t id = ids[i];
    const unsigned form =
        (id > kFormat.limits[0]) + (id > kFormat.limits[1]) + (id > kFormat.limits[2]);
    const uint64_t ordered = kFormat.big_endian ? __builtin_bswap32(id) : id;
    const uint64_t item = kForms.head[form] | ordered >> kForms.right[form] << kForms.left[form];
    std::memcpy(out, &item, sizeof item);
    out += kFormat.bytes[form];
  }
  return out;
}

}  // namespace

uint8_t* AppendCborTokens(uint8_t* out, const uint32_t* ids, size_t count) noexcept {
  return AppendForms<kCborTokens>(out, ids, count);
}

uint8_t* AppendPickleTokens(uint8_t* out, const uint32_t* ids, size_t count) noexcept {
  return AppendForms<kPickleTokens>(out, ids, count);
}

AppendTokens FastestCborTokens() noexcept {
  const AppendTokens ssse3 = Ssse3CborTokens();
  return ssse3 != nullptr ? ssse3 : AppendCborTokens;
}

AppendTokens FastestPickleTokens() noexcept {
  const AppendTokens ssse3 = Ssse3PickleTokens();
  return ssse3 != nullptr ? ssse3 : AppendPickleTokens;
}

}  // namespace kv
