// The state of a snapshot of the prefix index that is being written or taken in, and its form.
//
// A snapshot is a row of slices, each a row of records, little-endian:
//
//   00 number:16 endpoint:16 tier:8    from here on the number stands for this endpoint's tier
//   01 number:16                       what was said of the number holds no more
//   1acnnnnn [count:16] key:64 age:8 depth:8 numbers:16... [copies:8...]
//                                      a block: who holds it; n: holders, 31: their count follows;
//                                      a: instead of all that was said of it before; c: copies
//                                      beyond the first, by holder
//
// A number is defined before a block names it. Defined again for the same tier of an endpoint, it
// replaces what the number before said of it.
#pragma once

#include <bitset>
#include <cstdint>
#include <vector>

#include "core/prefix_index.h"

namespace kv {

// First byte of a record.
namespace record_tag {
inline constexpr uint8_t kDefine = 0x00;
inline constexpr uint8_t kUndefine = 0x01;
inline constexpr uint8_t kBlock = 0x80;
inline constexpr uint8_t kAgain = 0x40;
inline constexpr uint8_t kCopies = 0x20;
inline constexpr uint8_t kCountFollows = 0x1f;
}  // namespace record_tag

struct PrefixIndex::Export {
  // Of eight bytes; a reader of the snapshot that is so slow should begin again.
  static constexpr size_t kMostTouched = size_t{1} << 22;

  uint64_t next_order = 0;  // blocks before it have been written
  bool passed = false;      // all have
  bool failed = false;
  std::vector<uint64_t> touched;  // keys to write again
  size_t next_touched = 0;
  std::bitset<size_t{kLastHolder} + 1> defined;
};

struct PrefixIndex::Import {
  struct Record {
    uint64_t key;
    uint32_t first;  // of members and copies
    uint32_t count;
    uint8_t age;
    uint8_t depth;
    bool again;
  };

  std::vector<uint16_t> endpoints;
  std::vector<HolderNumber> holders = std::vector<HolderNumber>(size_t{1} << 16, kNoHolder);
  // By our number: the snapshot's that stands for it. The last one defined; another may have
  // before.
  std::vector<HolderNumber> sources = std::vector<HolderNumber>(size_t{1} << 16, kNoHolder);
  // Our numbers that this snapshot has brought.
  std::bitset<size_t{kLastHolder} + 1> brought;
  // Blocks of a slice that are yet to be put in.
  std::vector<Record> records;
  std::vector<HolderNumber> members;
  std::vector<uint8_t> copies;
};

}  // namespace kv
