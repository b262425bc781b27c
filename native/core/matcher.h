// Which endpoints hold how many leading blocks of a request: one pass over the request's hashes.
//
// The pass keeps the endpoints that hold every block so far. Blocks of one prompt mostly have the
// same holders, that is, equal words (holder_word.h): then a block costs one look-up and one
// comparison, however many endpoints hold it. Endpoints are looked at only where the word changes.
//
// Thread safety: a Matcher is one reader's scratch memory; every reading thread has its own.
// Progress: wait-free; never allocates after construction.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "core/growing_table.h"
#include "core/holder_bits.h"
#include "core/holder_table.h"

namespace kv {

// What 256 times a tier's weight adds to an endpoint's credit for each leading block.
using TierCredits = std::array<uint16_t, kTiers>;

struct EndpointMatch {
  uint32_t endpoint;
  uint32_t leading_blocks;
  uint32_t credit;
};

class Matcher {
 public:
  Matcher();
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  // Endpoints that hold the first block, longest match first; valid until the next call.
  // REQUIRES: the caller is inside the index's ReaderEpochs.
  [[nodiscard]] std::span<const EndpointMatch> Match(const GrowingTable& table,
                                                     const HolderTable& holders,
                                                     const TierCredits& credits,
                                                     std::span<const uint64_t> block_hashes);

 private:
  // An endpoint that holds every block so far.
  struct Active {
    uint16_t endpoint;
    HolderNumber holder;  // of its best tier in the last block looked at
    uint16_t rate;        // credit for each block since `since`
    uint32_t since;       // block from which on `rate` holds
    uint32_t credit;      // for the blocks before `since`
  };
  // Where an endpoint stands in active_, and its best tier in the block it was last seen in.
  struct Mark {
    uint32_t call = 0;
    uint32_t block = 0;
    uint16_t place = 0;
    uint16_t rate = 0;
    HolderNumber holder = kNoHolder;
  };
  static constexpr uint32_t kFirstAhead = 8;
  static constexpr uint32_t kAhead = 24;
  static constexpr uint32_t kRing = 64;  // a power of two, at least kAhead + kChunk
  static constexpr uint32_t kChunk = 32;
  // Below this many endpoints one asks for each; above, sets are compared word by word.
  static constexpr uint32_t kFewActive = 32;

  void Begin(HolderWord word);
  void Continue(HolderWord word, uint32_t block);
  void KeepMarked(HolderWord word, uint32_t block);
  void KeepContained(const HolderSet& set, uint32_t block);
  void CompareBits(const HolderSet& set, uint32_t block);
  void BuildBits();
  [[nodiscard]] bool FindBest(const HolderSet& set, Active& active, uint32_t block);
  [[nodiscard]] uint32_t PlaceOf(HolderNumber holder) const;
  void SetBest(Active& active, HolderNumber holder, uint16_t rate, uint32_t block);
  void End(const Active& active, uint32_t block);

  const HolderTable* holders_ = nullptr;
  const TierCredits* credits_ = nullptr;
  uint32_t call_ = 0;
  uint32_t active_count_ = 0;
  bool has_bits_ = false;
  HolderBits held_;    // the holders in active_
  HolderBits better_;  // holders of the same endpoints in tiers that would give more credit
  uint32_t ended_ = kMaxEndpoints;  // results fill results_ from the back: the last ends longest
  std::unique_ptr<Active[]> active_;
  std::unique_ptr<Mark[]> marks_;
  std::unique_ptr<EndpointMatch[]> results_;
};

}  // namespace kv
