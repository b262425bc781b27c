// Generated tables behind unicode.h and nfc.h; native/tools/unicode-tables.mjs writes them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kv {

// (first code point of a range) << 8 | properties, ascending; a range ends where the next starts.
extern const uint32_t kPropertyRanges[];
extern const size_t kPropertyRangesCount;

// (first code point of a range) << 8 | number of its canonical combining class, 0 for starters.
extern const uint32_t kCombiningRanges[];
extern const size_t kCombiningRangesCount;

// Records code point << 8 | composes << 7 | n, followed by the n code points of the full canonical
// decomposition. `composes`: the first n - 1 of them, composed, and the last compose to it again.
extern const uint32_t kDecompositions[];
extern const size_t kDecompositionsCount;

}  // namespace kv
