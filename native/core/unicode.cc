#include "core/unicode.h"

#include <cstring>

#include "core/unicode_data.h"

namespace kv {
namespace {

void Expand(const uint32_t* ranges, size_t count, uint8_t* values, uint32_t limit) {
  memset(values, 0, limit);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t first = ranges[i] >> 8;
    const uint32_t end = i + 1 < count ? ranges[i + 1] >> 8 : limit;
    memset(values + first, static_cast<int>(ranges[i] & 0xff), end - first);
  }
}

const UnicodeTables* Build() {
  auto* tables = new UnicodeTables;
  Expand(kPropertyRanges, kPropertyRangesCount, tables->properties, kCodePointCount);
  Expand(kCombiningRanges, kCombiningRangesCount, tables->combining, kCombiningLimit);
  return tables;
}

}  // namespace

const UnicodeTables& Unicode() {
  // Never freed: threads may still read it while the process ends.
  static const UnicodeTables* const tables = Build();
  return *tables;
}

}  // namespace kv
