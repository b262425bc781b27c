// Sets of five holders and more, each kept once however many blocks share it: the blocks of one
// prompt usually have the same holders, so a wide set costs its bytes once a prompt, not a block.
//
// Thread safety: the writer's alone. Readers follow a published HolderWord into a set; a set given
// up is freed when the last reader that could see it has left (reader_epochs.h).
// Invariants:
//  (1) Two live sets never have the same members.
//  (2) A published set's members never change.
//  (3) A set has as many references as slots (and callers of With and Without) point to it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "core/holder_word.h"
#include "core/linear_hash.h"
#include "core/reader_epochs.h"
#include "core/slab_pool.h"

namespace kv {

class HolderSetStore {
 public:
  HolderSetStore(MemoryBudget& budget, SlabPool& pool, const ReaderEpochs& epochs)
      : pool_(pool), epochs_(epochs), sets_(budget) {}
  HolderSetStore(const HolderSetStore&) = delete;
  HolderSetStore& operator=(const HolderSetStore&) = delete;

  // The word of `word`'s holders and `holder`, with a reference taken if it names a set; nothing
  // when memory is out. `word` keeps its own reference. REQUIRES: `holder` is not in `word`.
  [[nodiscard]] std::optional<HolderWord> With(HolderWord word, HolderNumber holder);
  // The same without `holder`. REQUIRES: `holder` is in `word`.
  [[nodiscard]] std::optional<HolderWord> Without(HolderWord word, HolderNumber holder);
  // The word of these holders. REQUIRES: at least one, ascending.
  [[nodiscard]] std::optional<HolderWord> Of(std::span<const HolderNumber> holders);
  // Gives a word's reference back.
  void Drop(HolderWord word);

  // Frees sets given up before epoch `oldest`.
  void Reclaim(uint64_t oldest);
  [[nodiscard]] bool reclaimable() const noexcept { return !retired_.empty(); }
  [[nodiscard]] uint64_t size() const noexcept { return sets_.size(); }

 private:
  // A set being put together, in the one form that its members call for.
  struct Draft {
    uint64_t hash = 0;
    uint16_t count = 0;
    uint16_t first_word = 0;
    uint16_t word_count = 0;
    std::array<uint64_t, 1025> body;  // 65,520 bits, or half that share as a list and one more

    [[nodiscard]] uint16_t* members() noexcept { return reinterpret_cast<uint16_t*>(body.data()); }
    [[nodiscard]] size_t body_bytes() const noexcept {
      return word_count != 0 ? word_count * 8u : (count * 2u + 7u) / 8u * 8u;
    }
  };
  struct Retired {
    HolderSet* set;
    uint64_t epoch;
  };

  void DraftFromMembers();
  void DraftFromWords();
  void CopyBits(const HolderSet& set, HolderNumber changed);
  [[nodiscard]] std::optional<HolderWord> Publish();

  SlabPool& pool_;
  const ReaderEpochs& epochs_;
  LinearHash<HolderSet> sets_;
  std::deque<Retired> retired_;
  Draft draft_;
};

}  // namespace kv
