// Workloads of users that share system prompts: W1 (BENCHMARKS section 3), presets of public harnesses
// (section 4), and a fleet of a thousand engines.
import type { Stages } from '../random.js';
import { type EngineGroup, LARGE_MODEL_ENGINES, STANDARD_ENGINES } from '../workload.js';
import { type SharedPrefix, sharedPrefix } from './shared-prefix.js';
import { generated, type WorkloadKind } from './workload-kind.js';

const MIXED_ENGINES: readonly EngineGroup[] = [
  { count: 4, timing: 'qwen2.5-7b-h100', kvTokens: 977_000 },
  { count: 4, timing: 'qwen2.5-7b-a100', kvTokens: 977_000 },
];

const PRECISE_1: Stages = [
  [15, 50],
  ...(
    [
      [3, 20],
      [10, 20],
      [15, 20],
      [20, 38],
      [22, 34],
      [25, 30],
      [30, 25],
      [35, 21],
      [40, 38],
      [43, 36],
      [46, 33],
      [49, 30],
      [52, 29],
      [55, 27],
      [57, 26],
      [60, 25],
    ] as const
  ).flatMap((stage): Stages => [[0, 30], stage]),
];
const PRECISE_2: Stages = [
  [15, 50],
  [3, 20],
  [10, 20],
  [15, 20],
  [20, 38],
  [22, 34],
  [25, 30],
  [30, 40],
];
/** llm-d's shared_prefix_synthetic. */
const SYNTHETIC: Stages = [2, 5, 8, 10, 12, 15, 20].map((rate) => [rate, 50] as const);

function b2b(groups: number, outputTokens: number, stages: Stages, large: boolean): SharedPrefix {
  return {
    groups,
    usersPerGroup: 5,
    systemTokens: 6000,
    questionTokens: 1200,
    outputTokens,
    stages,
    engines: large ? LARGE_MODEL_ENGINES : STANDARD_ENGINES,
  };
}

const SHARED_PREFIX: readonly (readonly [name: string, about: string, shape: SharedPrefix])[] = [
  [
    'w1',
    'b2b-600: 600 groups of 5 users, 6000 + 1200 tokens, 250 out, 60 requests/s for 120 s',
    b2b(600, 250, [[60, 120]], false),
  ],
  [
    'b2b-150',
    '150 groups of 5 users, 6000 + 1200 tokens, 250 out, 30 requests/s for 150 s',
    b2b(150, 250, [[30, 150]], true),
  ],
  [
    'decode-heavy',
    'the same with 1000 tokens out at 10 requests/s',
    b2b(150, 1000, [[10, 150]], true),
  ],
  [
    'precise-1',
    "llm-d's precise_1: 150 groups of 5, 6000 + 1200, 1000 out, 3 to 60 requests/s with rests of 30 s; open loop, so it ends in deep overload",
    b2b(150, 1000, PRECISE_1, true),
  ],
  [
    'precise-2',
    "llm-d's precise_2: 150 groups of 5, 2000 + 500, 500 out, 3 to 30 requests/s",
    {
      ...b2b(150, 500, PRECISE_2, true),
      systemTokens: 2000,
      questionTokens: 500,
    },
  ],
  [
    'shared-prefix',
    "llm-d's shared_prefix_synthetic: 32 groups of 32, 2048 + 256, 256 out, 2 to 20 requests/s",
    {
      ...b2b(32, 256, SYNTHETIC, true),
      usersPerGroup: 32,
      systemTokens: 2048,
      questionTokens: 256,
      arrivals: 'constant',
    },
  ],
  [
    'heavy',
    'the same with 4000 + 256 tokens',
    {
      ...b2b(32, 256, SYNTHETIC, true),
      usersPerGroup: 32,
      systemTokens: 4000,
      questionTokens: 256,
      arrivals: 'constant',
    },
  ],
  [
    'ladder',
    "llm-d's approx_prefix_cache_ladder: 512 groups of 8, 2048 + 256, 128 out, 4 to 96 requests/s",
    {
      ...b2b(
        512,
        128,
        [4, 8, 16, 32, 48, 64, 96].map((rate) => [rate, 20] as const),
        false,
      ),
      usersPerGroup: 8,
      systemTokens: 2048,
      questionTokens: 256,
    },
  ],
  [
    'zero-reuse',
    'its control without any reuse: 2304 tokens, all new, 32 requests/s',
    {
      ...b2b(1, 128, [[32, 100]], false),
      usersPerGroup: 2 ** 16,
      systemTokens: 0,
      questionTokens: 2304,
    },
  ],
  [
    'capacity',
    "llm-d's 37-capacity: 83 groups of 3, 8000 + 1000, 1000 out, 3 to 20 requests/s, 4 engines of Llama-3.1-70B TP4",
    {
      ...b2b(
        83,
        1000,
        [3, 5, 8, 10, 12, 15, 20].map((rate) => [rate, 30] as const),
        false,
      ),
      usersPerGroup: 3,
      systemTokens: 8000,
      questionTokens: 1000,
      arrivals: 'constant',
      engines: [{ count: 4, timing: 'llama-3.1-70b-tp4-h100', kvTokens: null }],
    },
  ],
  [
    'prefix-repetition',
    "vllm bench's prefix_repetition: 10 prefixes of 256 tokens, 256 new, 128 out, 200 requests/s",
    {
      ...b2b(10, 128, [[200, 60]], false),
      usersPerGroup: 2 ** 12,
      systemTokens: 256,
      questionTokens: 256,
    },
  ],
  [
    'gsp',
    "sglang's generated-shared-prefix: 64 groups of 16, 2048 + 128, 256 out, 1,024 requests at 100/s",
    {
      ...b2b(64, 256, [[100, 10.24]], false),
      usersPerGroup: 16,
      systemTokens: 2048,
      questionTokens: 128,
      arrivals: 'constant',
    },
  ],
  [
    'mixed-engines',
    'w1 at 40 requests/s to 4 H100 and 4 A100, a third as fast',
    { ...b2b(600, 250, [[40, 120]], false), engines: MIXED_ENGINES },
  ],
  [
    'w1-long',
    'w1 for 20 minutes, which shows how fast a simulation is',
    b2b(600, 250, [[60, 1200]], false),
  ],
  [
    'thousand-engines',
    '1,000 engines of 100,000 KV tokens, 5,000 groups of 8 users, 1024 + 256 tokens, 64 out, 5,000 requests/s for 200 s',
    {
      ...b2b(5000, 64, [[5000, 200]], false),
      usersPerGroup: 8,
      systemTokens: 1024,
      questionTokens: 256,
      engines: [{ count: 1000, timing: 'qwen2.5-7b-h100', kvTokens: 100_000 }],
    },
  ],
];

/** The first is W1. */
export const SHARED_PREFIX_WORKLOADS: readonly WorkloadKind[] = SHARED_PREFIX.map(sharedPrefixKind);

/** Another load is another rate for the same time. */
function sharedPrefixKind([name, about, shape]: (typeof SHARED_PREFIX)[number]): WorkloadKind {
  return generated(name, about, (n, a, seed, scale) => {
    const stages = shape.stages.map(([rate, seconds]) => [rate * scale, seconds] as const);
    return sharedPrefix(n, a, { ...shape, stages }, seed);
  });
}
