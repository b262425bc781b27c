// Prompts of the index benchmark: chains of random block hashes, each held by a few endpoints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "test/random.h"

namespace kv::bench {

inline constexpr size_t kPromptBlocks = 128;
inline constexpr uint32_t kHolders = 4;

// Prompt p of a run: its hashes are computed, so that 10^8 of them need no memory.
class Prompts {
 public:
  Prompts(uint64_t count, uint32_t endpoints) : count_(count), endpoints_(endpoints) {}

  [[nodiscard]] uint64_t count() const { return count_; }
  std::span<const uint64_t> Hashes(uint64_t prompt, uint64_t* buffer) const {
    test::Random random(prompt * 1'000'003);
    for (size_t i = 0; i < kPromptBlocks; ++i) buffer[i] = random.Next();
    return {buffer, kPromptBlocks};
  }
  [[nodiscard]] uint32_t Endpoint(uint64_t prompt, uint32_t holder) const {
    return static_cast<uint32_t>((prompt * 7 + holder * (endpoints_ / kHolders)) % endpoints_);
  }

 private:
  uint64_t count_;
  uint32_t endpoints_;
};

}  // namespace kv::bench
