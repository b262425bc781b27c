// Skipping finds the same end whichever way it is done: in long runs or value by value.
#include "core/msgpack_cursor.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <span>
#include <vector>

#include "core/number_run.h"
#include "test/check.h"
#include "test/random.h"

namespace kv {
namespace {

using test::Random;
using Bytes = std::vector<uint8_t>;

// One value: mostly a number of any width, sometimes something that ends a run.
void AppendValue(Bytes& to, Random& random, uint64_t one_other_in) {
  const auto append = [&](int head, size_t content) {
    to.push_back(static_cast<uint8_t>(head));
    for (size_t i = 0; i < content; ++i) to.push_back(static_cast<uint8_t>(random.Next()));
  };
  if (random.Below(one_other_in) == 0) {
    switch (random.Below(4)) {
      case 0:
        return append(0xa3, 3);
      case 1:
        to.push_back(0xc4);
        return append(2, 2);
      case 2:
        return append(0x90, 0);
      default:
        append(0xd9, 0);
        return append(0, 0);
    }
  }
  switch (random.Below(12)) {
    case 0:
      return append(0xc0, 0);
    case 1:
      return append(0xc2 + static_cast<int>(random.Below(2)), 0);
    case 2:
      return append(0xca, 4);
    case 3:
      return append(0xcb, 8);
    case 4:
      return append(0xe0 + static_cast<int>(random.Below(32)), 0);
    case 5: {
      const size_t width = random.Below(4);
      return append(0xd0 + static_cast<int>(width), size_t{1} << width);
    }
    case 6:
      return append(static_cast<int>(random.Below(0x80)), 0);
    default: {
      const size_t width = random.Below(4);
      return append(0xcc + static_cast<int>(width), size_t{1} << width);
    }
  }
}

TEST(skipping_a_run_ends_where_the_values_end) {
  Random random(test::Seed());
  uint64_t ran = 0;
  for (int round = 0; round < 4000; ++round) {
    Bytes bytes;
    std::vector<size_t> ends = {0};
    const size_t count = random.Below(600);
    const uint64_t one_other_in = random.Below(2) == 0 ? ~uint64_t{0} : 1 + random.Below(400);
    for (size_t i = 0; i < count; ++i) {
      AppendValue(bytes, random, one_other_in);
      ends.push_back(bytes.size());
    }
    // Of exactly this size: one byte further is an error that ASan sees.
    const auto copy = std::make_unique<uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), copy.get());
    const std::span<const uint8_t> message(copy.get(), bytes.size());
    const size_t wanted = random.Below(count + 1);

    const NumberRun run = SkipNumbers(message, wanted);
    CHECK(run.values <= wanted);
    CHECK_EQUAL(run.bytes, ends[run.values]);
    ran += run.values;

    MsgpackCursor cursor(message);
    CHECK(cursor.Skip(wanted));
    CHECK_EQUAL(cursor.offset(), ends[wanted]);
    // Cut inside its last value, the run is not whole.
    if (wanted > 0 && ends[wanted] - ends[wanted - 1] > 1) {
      MsgpackCursor cut(message.first(ends[wanted] - 1));
      CHECK(!cut.Skip(wanted));
    }
  }
  std::printf("  %llu values in fast runs\n", static_cast<unsigned long long>(ran));
}

}  // namespace
}  // namespace kv
