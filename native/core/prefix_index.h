// Which endpoints hold which blocks: the prefix index.
//
// Thread safety: writers take turns (a mutex), any number of readers.
// Progress: Match is wait-free. A writing call does work in proportion to its blocks: growing,
// sweeping and evicting advance by a few buckets with each block.
// Invariants:
//  (1) A reader never sees a holder that was not stored; it may miss one stored during its call.
//  (2) A cleared endpoint gets no credit in any match that begins after Clear returned, although
//      the sweep takes its number out of the slots only later.
//  (3) A holder number is used again only after a whole pass over the table has removed it and
//      every reader that could have met it has left.
//  (4) The bytes in use stay within max_bytes. Where they would not, the table stops growing and
//      the least useful blocks make room (evictor.h); both they and stores without room are
//      counted. Lists of what waits for readers are not part of it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "core/copy_counts.h"
#include "core/evictor.h"
#include "core/growing_table.h"
#include "core/holder_set_store.h"
#include "core/holder_table.h"
#include "core/index_census.h"
#include "core/matcher.h"
#include "core/reader_epochs.h"

namespace kv {

struct IndexSettings {
  uint64_t max_bytes;
  // 256 times the weight of each tier.
  TierCredits tier_credits;
};

struct IndexStats {
  uint64_t blocks;
  uint64_t bytes;
  uint64_t max_bytes;
  uint64_t refused_blocks;
};

class PrefixIndex {
 public:
  static constexpr uint64_t kMinBytes = uint64_t{1} << 20;

  // REQUIRES: settings.max_bytes >= kMinBytes.
  explicit PrefixIndex(const IndexSettings& settings);
  ~PrefixIndex();
  PrefixIndex(const PrefixIndex&) = delete;
  PrefixIndex& operator=(const PrefixIndex&) = delete;

  // Records one copy of each block; returns how many were recorded. `parent`: the block before the
  // first, if known; it only helps to tell heads of prompts from tails.
  uint32_t Store(uint32_t endpoint, Tier tier, std::span<const uint64_t> block_hashes,
                 std::optional<uint64_t> parent = std::nullopt);
  // Takes one copy of each block back; returns how many were known.
  uint32_t Remove(uint32_t endpoint, Tier tier, std::span<const uint64_t> block_hashes);
  // Forgets an endpoint's blocks in one tier, or in all.
  void Clear(uint32_t endpoint, std::optional<Tier> tier);
  // Does pending work (growing, sweeping, freeing) for about `buckets` buckets, 100 ns each at
  // most; returns whether some is left. For a writer that has nothing else to do.
  bool Maintain(uint32_t buckets);

  // --- snapshots: prefix_index_export.cc, prefix_index_import.cc ---
  // Begins to write the index down, in slices between which writing goes on; what has changed
  // behind the slices is written again, so that the end of the snapshot is the state at its end.
  // False: one is being written already.
  [[nodiscard]] bool BeginExport();
  enum class ExportState : uint8_t { kMore, kLast, kFailed };
  // Appends the next slice: half a millisecond of work at most. kLast: the rest is small enough for
  // FinishExport; kFailed: more has changed than is kept track of, the export is over.
  [[nodiscard]] ExportState ExportSlice(std::vector<uint8_t>& out);
  // Appends what has changed behind the last slice, and ends the export.
  void FinishExport(std::vector<uint8_t>& out);
  void CancelExport();
  // Begins to take a snapshot of about `blocks` blocks in. `endpoints[e]`: who endpoint e of the
  // snapshot is here; kMaxEndpoints or above, or beyond the end: nobody.
  void BeginImport(uint64_t blocks, std::span<const uint16_t> endpoints);
  // Takes one slice as ExportSlice wrote it. Returns why it cannot be read, or null. What it says
  // of an endpoint may be incomplete before the last slice: clear the endpoint if that never comes.
  // REQUIRES: after BeginImport.
  [[nodiscard]] const char* ImportSlice(std::span<const uint8_t> slice);
  void EndImport();

  // See Matcher::Match.
  [[nodiscard]] std::span<const EndpointMatch> Match(Matcher& matcher, uint32_t reader_hint,
                                                     std::span<const uint64_t> block_hashes);
  [[nodiscard]] uint32_t NewReaderHint() noexcept { return epochs_.NewHint(); }

  [[nodiscard]] uint32_t BlocksOf(uint32_t endpoint, Tier tier) const noexcept {
    return holders_.BlocksOf(MeaningOf(endpoint, tier));
  }
  [[nodiscard]] IndexStats Stats() const noexcept;
  // Maintain takes the samples.
  [[nodiscard]] IndexCensus::Counts Census() const noexcept { return census_.Read(); }

 private:
  static constexpr uint64_t kFirstHomeBuckets = 1024;

  struct Writing;
  struct Export;
  struct Import;
  struct RetiredHolder {
    HolderNumber holder;
    uint64_t epoch;
  };

  void TakeCensus();
  void Renew();
  void PublishEpoch();
  void Prepare(std::span<const uint64_t> block_hashes, size_t next);
  [[nodiscard]] bool StoreOne(uint64_t key, HolderNumber holder, uint8_t depth);
  [[nodiscard]] bool Insert(uint64_t key, HolderWord word, Usefulness usefulness);
  [[nodiscard]] bool HurryImport();
  [[nodiscard]] bool RemoveOne(uint64_t key, HolderNumber holder);
  void TakeOut(const GrowingTable::Place& place, HolderNumber holder);
  void KillBlock(const GrowingTable::Place& place);
  void ForgetBlock(uint64_t key, HolderWord word);
  [[nodiscard]] bool MakeRoom();
  bool Evict();
  void Shrink();
  void Step(size_t block);
  void Advance(uint64_t buckets);
  void SweepBuckets(uint64_t buckets);
  void EndPass();
  [[nodiscard]] HolderWord WithoutDead(uint64_t key, HolderWord word);
  bool BeginResize(uint64_t home_buckets);
  void CountRefused(uint64_t blocks) noexcept;
  // The block's entry has changed: said before or after, within the same writing call.
  void Touch(uint64_t key) {
    if (export_ != nullptr) [[unlikely]]
      TouchExported(key);
  }
  void TouchExported(uint64_t key);
  void WriteBlock(std::vector<uint8_t>& out, uint64_t key, HolderWord word, Usefulness usefulness,
                  bool again);
  void WriteTouched(std::vector<uint8_t>& out, size_t most);
  void Define(uint32_t number, uint32_t endpoint, Tier tier);
  void Undefine(uint32_t number);
  void PutBlock(size_t at);

  const TierCredits tier_credits_;
  std::mutex writing_;
  MemoryBudget budget_;
  ReaderEpochs epochs_;
  SlabPool pool_;
  HolderTable holders_;
  HolderSetStore sets_;
  CopyCounts copies_;
  GrowingTable table_;
  Evictor evictor_;
  IndexCensus census_;
  std::unique_ptr<Export> export_;
  std::unique_ptr<Import> import_;

  uint64_t oldest_ = 0;  // of the current writing call: see ReaderEpochs::Oldest
  // Dead numbers: being taken out in the pass under way, waiting for the next, waiting for readers.
  std::vector<HolderNumber> sweeping_;
  std::vector<HolderNumber> waiting_;
  std::deque<RetiredHolder> swept_;
  uint64_t sweep_cursor_ = 0;
  uint32_t pass_ = 0;        // number of the pass under way, or of the last one
  bool near_bound_ = false;  // the table cannot grow to twice its size any more

  std::atomic<uint64_t> blocks_{0};
  std::atomic<uint64_t> refused_blocks_{0};
};

}  // namespace kv
