// Hostile event batches. Whatever the bytes are, the walker must end, touch nothing outside them,
// keep the index usable, and give back what a good batch stored before.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "core/event_walker.h"
#include "core/prefix_index.h"

namespace {

constexpr uint32_t kHostile = 1;
constexpr uint32_t kGood = 2;
constexpr uint64_t kKnown = 0x1234567890abcdef;

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static kv::PrefixIndex index(kv::IndexSettings{16 << 20, {256, 204, 64, 256}});
  static kv::EventWalker walker;
  static bool begun = false;
  const std::array<uint64_t, 1> known = {kKnown};
  if (!begun) {
    Require(index.Store(kGood, kv::Tier::kGpu, known) == 1);
    begun = true;
  }
  std::array<uint32_t, kv::kMaxGroups / 32> groups = {};
  kv::EventCounts counts;
  const char* refusal = walker.Apply(index, kHostile, std::nullopt,
                                     std::span<const uint8_t>(data, size), groups, counts);
  // A batch that cannot be read changes nothing, so it can have stored nothing.
  if (refusal != nullptr) Require(counts.stored_blocks == 0 && counts.removed_blocks == 0);
  Require(index.BlocksOf(kGood, kv::Tier::kGpu) == 1);
  index.Clear(kHostile, std::nullopt);
  while (index.Maintain(4096)) {
  }
  return 0;
}
