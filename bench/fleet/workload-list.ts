// Every workload by name: W1 to W3 (BENCHMARKS section 3), presets of public harnesses (section 4),
// and loads made to break routers.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Stages } from './random.js';
import {
  type EngineGroup,
  LARGE_MODEL_ENGINES,
  STANDARD_ENGINES,
  type Workload,
} from './workload.js';
import { conversations } from './workloads/conversations.js';
import { bursts, hotPrefix } from './workloads/hot-prefix.js';
import { recorded, traceName } from './workloads/recorded.js';
import { type SharedPrefix, sharedPrefix } from './workloads/shared-prefix.js';

export interface WorkloadSetting {
  readonly seed: number;
  /** Recorded time runs faster by this; of a generated workload, the load as a multiple of its own. */
  readonly timeScale: number;
  /** Where the trace is; null: the workload is generated. */
  readonly trace: string | null;
  readonly closed: boolean;
}

export interface WorkloadKind {
  readonly name: string;
  readonly about: string;
  /** File of the standard trace; null: generated. */
  readonly trace: string | null;
  /** The workload is meant to be run at this scale. */
  readonly timeScale: number;
  create(setting: WorkloadSetting): Workload;
}

/** The folder beside the project that may hold the traces; they are never part of it. */
export function standardTrace(file: string): string | null {
  const path = fileURLToPath(new URL(`../../../../shared/traces/${file}`, import.meta.url));
  return existsSync(path) ? path : null;
}

const MOONCAKE = 'mooncake_conversation.runs.jsonl.gz';
const WEKA = 'weka_cc_agentic_pub.runs.jsonl.gz';

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
      ...b2b(
        32,
        256,
        [2, 5, 8, 10, 12, 15, 20].map((rate) => [rate, 50] as const),
        true,
      ),
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
      ...b2b(
        32,
        256,
        [2, 5, 8, 10, 12, 15, 20].map((rate) => [rate, 50] as const),
        true,
      ),
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
];

const GENERATED: readonly WorkloadKind[] = [
  generated(
    'hot-prefix',
    '60 requests/s, 85 % with one system prompt of 6000 tokens',
    (n, a, seed, scale) =>
      hotPrefix(n, a, { rate: 60 * scale, seconds: 120, hotShare: 0.85, groups: 600 }, seed),
  ),
  generated(
    'bursts',
    '30 requests/s over 300 prefixes, every 5 s 40 more within 50 ms that share a new prefix',
    (n, a, seed, scale) =>
      bursts(
        n,
        a,
        {
          rate: 30 * scale,
          seconds: 120,
          groups: 300,
          everySeconds: 5,
          burstRequests: 40,
          burstSeconds: 0.05,
        },
        seed,
      ),
  ),
  generated(
    'multi-turn',
    "production-stack's multi-round-qa: 320 users, 10 rounds, 1000 + 20000 tokens, 100 out, 20 s of thought",
    (n, a, seed, scale) =>
      conversations(
        n,
        a,
        {
          sessions: 320,
          startsPerSecond: 4 * scale,
          turns: 10,
          systemPrompts: 1,
          systemTokens: 1000,
          historyTokens: 20_000,
          questionTokens: 100,
          answerTokens: 100,
          thinkSeconds: { mean: 20, min: 5 },
        },
        seed,
      ),
  ),
  generated(
    'chat',
    '2,000 chats of 8 turns over 4 system prompts of 1000 tokens, 200 in and 300 out, 10 s of thought',
    (n, a, seed, scale) =>
      conversations(
        n,
        a,
        {
          sessions: 2000,
          startsPerSecond: 12 * scale,
          turns: 8,
          systemPrompts: 4,
          systemTokens: 1000,
          historyTokens: 0,
          questionTokens: { mean: 200, min: 20 },
          answerTokens: { mean: 300, min: 20 },
          thinkSeconds: { mean: 10, min: 2 },
        },
        seed,
      ),
  ),
  generated(
    'agents',
    '200 agents of 25 tool calls over 20 tool prompts of 12,000 tokens, 1,500 in and 250 out, 4 s a tool',
    (n, a, seed, scale) =>
      conversations(
        n,
        a,
        {
          sessions: 200,
          startsPerSecond: scale,
          turns: 25,
          systemPrompts: 20,
          systemTokens: 12_000,
          historyTokens: 2000,
          questionTokens: { mean: 1500, min: 50 },
          answerTokens: { mean: 250, min: 30 },
          thinkSeconds: { mean: 4, min: 0.2 },
        },
        seed,
      ),
  ),
];

const RECORDED: readonly WorkloadKind[] = [
  {
    name: 'w2',
    about: 'mooncake conversation at 4 times its speed, open loop',
    trace: MOONCAKE,
    timeScale: 4,
    create: ({ trace, timeScale, closed }) =>
      recorded('w2', `mooncake conversation at ${timeScale} times its speed`, {
        file: trace ?? MOONCAKE,
        timeScale,
        closed,
      }),
  },
  {
    name: 'w3',
    about: '110 Claude-Code sessions, closed loop, 0.25 sessions/s',
    trace: WEKA,
    timeScale: 2.5,
    create: ({ trace, timeScale }) =>
      recorded('w3', `weka agentic sessions, closed loop, ${0.1 * timeScale} sessions/s`, {
        file: trace ?? WEKA,
        timeScale,
        closed: true,
      }),
  },
  {
    name: 'weka-64',
    about: "llm-d's weka_traces: 64 sessions at once, gaps of at most 1 s",
    trace: WEKA,
    timeScale: 1,
    create: ({ trace, timeScale }) =>
      recorded('weka-64', 'weka agentic sessions, 64 at once, gaps of at most 1 s', {
        file: trace ?? WEKA,
        timeScale,
        closed: true,
        thinkMaxSeconds: 1,
        concurrentSessions: 64,
      }),
  },
];

export const WORKLOADS: readonly WorkloadKind[] = [
  ...SHARED_PREFIX.slice(0, 1).map(sharedPrefixKind),
  ...RECORDED,
  ...SHARED_PREFIX.slice(1).map(sharedPrefixKind),
  ...GENERATED,
];

/** A trace that is none of the standard workloads. */
export function tracedWorkload(file: string, { timeScale, closed }: WorkloadSetting): Workload {
  const name = traceName(file);
  return recorded(name, `${name} at ${timeScale} times its speed`, { file, timeScale, closed });
}

/** Another load is another rate for the same time. */
function sharedPrefixKind([name, about, shape]: (typeof SHARED_PREFIX)[number]): WorkloadKind {
  return generated(name, about, (n, a, seed, scale) => {
    const stages = shape.stages.map(([rate, seconds]) => [rate * scale, seconds] as const);
    return sharedPrefix(n, a, { ...shape, stages }, seed);
  });
}

function generated(
  name: string,
  about: string,
  make: (name: string, about: string, seed: number, scale: number) => Workload,
): WorkloadKind {
  const create = ({ seed, timeScale, closed }: WorkloadSetting): Workload => {
    const workload = make(name, about, seed, timeScale);
    return { ...workload, closed: workload.closed || closed };
  };
  return { name, about, trace: null, timeScale: 1, create };
}
