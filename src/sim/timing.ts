// Timing presets by name: step cost, KV capacity and scheduler limits that belong together.
import { ConfigError } from '../errors.js';
import { GPUS, MODEL_SHAPES } from './model-shapes.js';
import {
  batchLinearCost,
  blisCost,
  cannedCost,
  dynamoCost,
  type LinearProfile,
  linearCost,
  type StepCost,
} from './step-cost.js';

export interface Timing {
  readonly name: string;
  readonly cost: StepCost;
  /** KV cache of one engine. */
  readonly kvTokens: number;
  /** Front-end time before a request reaches the scheduler. */
  readonly arrivalUs: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
}

/** BLIS's per-request alpha (BENCHMARKS.md 7.1). */
const BLIS_ARRIVAL_US = 15_563;
/** Dynamo mocker: 16,384 blocks of 64 tokens. */
const DYNAMO_KV_TOKENS = 16_384 * 64;
/** llm-d-inference-sim: 1,024 blocks of 16 tokens. */
const LLM_D_KV_TOKENS = 1024 * 16;

const LIMITS = { arrivalUs: 0, maxNumSeqs: 256, maxNumBatchedTokens: 8192 } as const;

function blisTimings(): Timing[] {
  return Object.entries(GPUS).flatMap(([gpuName, gpu]) =>
    Object.entries(MODEL_SHAPES).map(([modelName, model]) => ({
      ...LIMITS,
      name: `${modelName}-${gpuName}`,
      cost: blisCost(model, gpu),
      kvTokens: model.kvTokens,
      arrivalUs: BLIS_ARRIVAL_US,
    })),
  );
}

function linearTiming(name: string, profile: LinearProfile): Timing {
  return {
    ...LIMITS,
    name,
    cost: linearCost(profile),
    kvTokens: LLM_D_KV_TOKENS,
    maxNumSeqs: profile.maxNumSeqs,
  };
}

const TIMINGS: ReadonlyMap<string, Timing> = new Map(
  [
    ...blisTimings(),
    {
      ...LIMITS,
      name: 'dynamo-polynomial',
      cost: dynamoCost(DYNAMO_KV_TOKENS),
      kvTokens: DYNAMO_KV_TOKENS,
    },
    {
      ...LIMITS,
      name: 'batch-linear',
      cost: batchLinearCost(),
      kvTokens: DYNAMO_KV_TOKENS,
    },
    linearTiming('llm-d-8b-h100', {
      itlMs: 12,
      prefillOverheadMs: 30,
      prefillTokenMs: 0.25,
      fullLoadFactor: 2,
      maxNumSeqs: 16,
    }),
    linearTiming('llm-d-70b-tp8-h100', {
      itlMs: 25,
      prefillOverheadMs: 80,
      prefillTokenMs: 0.5,
      fullLoadFactor: 3,
      maxNumSeqs: 64,
    }),
    { ...LIMITS, name: 'canned', cost: cannedCost, kvTokens: MODEL_SHAPES['qwen2.5-7b'].kvTokens },
  ].map((timing) => [timing.name, timing]),
);

export const TIMING_NAMES: readonly string[] = [...TIMINGS.keys()];

export function timingOf(name: string): Timing {
  const timing = TIMINGS.get(name);
  if (timing === undefined) {
    throw new ConfigError(`unknown timing "${name}"; known are ${TIMING_NAMES.join(', ')}`);
  }
  return timing;
}
