// Policies that guess what engines hold from their own routing.
import type { FleetPolicy, PolicyKind, PolicySetting } from '../policy.js';
import { bookedPolicy, cheapest, hitLimit } from './booked-policy.js';
import { MatchedSlots } from './matched-slots.js';
import { RoutedBlocks } from './routed-blocks.js';

interface Guess {
  /** Blocks believed to fit into one engine. */
  readonly capacity: number;
  /** Prompt tokens looked at. */
  readonly matchTokens: number;
}

/** llm-d's approximate prefix scorer 2 : requests in flight 1, as BENCHMARKS section 9 runs it. */
function approximate(setting: PolicySetting, { capacity, matchTokens }: Guess): FleetPolicy {
  const { random, blockSizeTokens } = setting;
  const routed = new RoutedBlocks(capacity);
  const matched = new MatchedSlots((hashes, triples) => routed.match(hashes, triples));
  const matchBlocks = Math.floor(matchTokens / blockSizeTokens);
  return bookedPolicy(
    (request, slots, load) => {
      const { hashes, promptTokens } = request;
      const limit = Math.min(matchBlocks, hitLimit(request, blockSizeTokens));
      const blocks = matched.of(hashes.subarray(0, limit), slots);
      const counts = slots.map((slot) => load.requests(slot));
      const [least, most] = [Math.min(...counts), Math.max(...counts)];
      const cost = (slot: number) => {
        const share = hashes.length === 0 ? 0 : (blocks[slot] ?? 0) / hashes.length;
        const idle = most === least ? 1 : (most - load.requests(slot)) / (most - least);
        return -(2 * share + idle);
      };
      const slot = cheapest(slots, cost, random);
      const known = (blocks[slot] ?? 0) * blockSizeTokens;
      routed.add(slot, hashes.subarray(0, Math.min(hashes.length, matchBlocks)));
      return { slot, uncachedTokens: promptTokens - known };
    },
    { close: () => routed.close() },
  );
}

const BLOCKS_2025 = 31_250;
const MATCH_BLOCKS_2025 = 256;
const LLM_D_BLOCK_TOKENS = 16;
const MATCH_TOKENS_2026 = 131_072;

export const approximate2025: PolicyKind = {
  name: 'approximate',
  about: `2 x share of the prompt routed there before + idleness by requests in flight; remembers ${BLOCKS_2025} blocks of ${LLM_D_BLOCK_TOKENS} an engine and ${MATCH_BLOCKS_2025} a prompt (llm-d's sample configurations of 2025)`,
  create: (setting) =>
    approximate(setting, {
      capacity: Math.floor((BLOCKS_2025 * LLM_D_BLOCK_TOKENS) / setting.blockSizeTokens),
      matchTokens: MATCH_BLOCKS_2025 * LLM_D_BLOCK_TOKENS,
    }),
};

export const approximateTuned: PolicyKind = {
  name: 'approximate-tuned',
  about: `the same with the engine's capacity and ${MATCH_TOKENS_2026} tokens a prompt (llm-d's defaults since June 2026)`,
  create: (setting) =>
    approximate(setting, { capacity: setting.assumedBlocks, matchTokens: MATCH_TOKENS_2026 }),
};

/** Thresholds of vllm-router and SMG's command line. */
const CACHE_THRESHOLD = 0.3;
const IMBALANCE_REQUESTS = 64;
const IMBALANCE_RATIO = 1.5;
/** Its tree holds 2^26 characters an engine. */
const TREE_TOKENS = 2 ** 26 / 4;
/** The tree is over characters: we look every so many tokens. */
const TREE_STEP_TOKENS = 64;

export const cacheAware: PolicyKind = {
  name: 'cache-aware',
  about: `most of the prompt routed there before, if over ${CACHE_THRESHOLD}; else fewest in flight, as whenever they differ by more than ${IMBALANCE_REQUESTS} and ${IMBALANCE_RATIO} times (SGLang, SMG, vllm-router)`,
  create: ({ random, blockSizeTokens }) => {
    const stride = Math.max(1, Math.floor(TREE_STEP_TOKENS / blockSizeTokens));
    const routed = new RoutedBlocks(Math.floor(TREE_TOKENS / (stride * blockSizeTokens)));
    const matched = new MatchedSlots((hashes, triples) => routed.match(hashes, triples));
    return bookedPolicy(
      (request, slots, load) => {
        const coarse = everyNth(request.hashes, stride);
        const limit = Math.floor(hitLimit(request, blockSizeTokens) / stride);
        const blocks = matched.of(coarse.subarray(0, limit), slots);
        const counts = slots.map((slot) => load.requests(slot));
        const [least, most] = [Math.min(...counts), Math.max(...counts)];
        const imbalanced = most - least > IMBALANCE_REQUESTS && most > IMBALANCE_RATIO * least;
        const best = Math.max(0, ...slots.map((slot) => blocks[slot] ?? 0));
        const isMatch = !imbalanced && coarse.length > 0 && best / coarse.length > CACHE_THRESHOLD;
        const cost = isMatch
          ? (slot: number) => -(blocks[slot] ?? 0)
          : (slot: number) => load.requests(slot);
        const slot = cheapest(slots, cost, random);
        const known = (blocks[slot] ?? 0) * stride * blockSizeTokens;
        routed.add(slot, coarse);
        return { slot, uncachedTokens: request.promptTokens - known };
      },
      { close: () => routed.close() },
    );
  },
};

/** Hash of every n-th block, which implies those before it. */
function everyNth(hashes: BigUint64Array, n: number): BigUint64Array {
  if (n === 1) return hashes;
  return BigUint64Array.from({ length: Math.floor(hashes.length / n) }, (_, i) => {
    return hashes[(i + 1) * n - 1] ?? 0n;
  });
}
