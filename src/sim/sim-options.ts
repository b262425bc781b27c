// SimOptions: everything that can be chosen about a simulated engine, and what follows from it.
import { randomBytes } from 'node:crypto';
import { ConfigError } from '../errors.js';
import type { HashAlgorithm } from '../native.js';
import { defaultRoot, rootFromSeed } from '../prefix/hash-root.js';
import type { ExtraKeyProfile, HashSettings } from '../prefix/hash-settings.js';
import type { EngineOptions } from './engine.js';
import type { EventSchema } from './event-encoder.js';
import { DEFAULT_BUFFER_STEPS } from './event-publisher.js';
import type { PromptEncoder } from './prompt-encoder.js';
import { timingOf } from './timing.js';

/** `old`: names of vLLM before 0.9.2, which were removed in 0.12; `both`: as in between. */
export type MetricNames = 'current' | 'old' | 'both';

export interface SimOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly model: string;
  readonly loraAdapters: readonly string[];
  readonly maxModelLen: number;
  readonly encoder: PromptEncoder;
  /** Of each image, audio or video in a chat; null: the model takes text only. */
  readonly tokensPerMedium: number | null;
  readonly blockSizeTokens: number;
  readonly hashAlgorithm: HashAlgorithm;
  /** PYTHONHASHSEED; null: unset, so the default root of vLLM 0.29, random under xxhash. */
  readonly hashSeed: string | null;
  readonly extraKeyProfile: ExtraKeyProfile;
  /** vLLM's --enable-prefix-caching. */
  readonly prefixCaching: boolean;
  /** KV cache of the engine; null: what the timing's model and GPU have. */
  readonly kvTokens: number | null;
  readonly timing: string;
  readonly speedup: number;
  readonly maxNumSeqs: number | null;
  readonly maxNumBatchedTokens: number | null;
  /** Address of the event publisher, `tcp://127.0.0.1:*` for a free port; null: no events. */
  readonly kvEvents: string | null;
  readonly kvReplay: string | null;
  readonly topic: string;
  /** A generation, or its form: `map` is S10, `array` S8. */
  readonly eventSchema: EventSchema | 'map' | 'array';
  readonly hashesAsBytes: boolean;
  readonly replayHasTopic: boolean;
  readonly bufferSteps: number;
  /** Ranks behind this server, each with its own cache and publisher. */
  readonly dataParallelSize: number;
  /** Number of the first. */
  readonly dataParallelRank: number;
  readonly devRoutes: boolean;
  readonly apiKey: string | null;
  readonly metricNames: MetricNames;
  readonly reportsCachedTokens: boolean;
  readonly sendsRequestId: boolean;
}

export const SIM_DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  model: 'Qwen/Qwen3-0.6B',
  loraAdapters: [],
  maxModelLen: 131_072,
  tokensPerMedium: null,
  blockSizeTokens: 16,
  hashAlgorithm: 'sha256_cbor',
  hashSeed: null,
  extraKeyProfile: 'main-2026-08-17',
  prefixCaching: true,
  kvTokens: null,
  timing: 'qwen2.5-7b-h100',
  speedup: 1,
  maxNumSeqs: null,
  maxNumBatchedTokens: null,
  kvEvents: 'tcp://127.0.0.1:*',
  kvReplay: 'tcp://127.0.0.1:*',
  topic: '',
  eventSchema: 'S10',
  hashesAsBytes: false,
  replayHasTopic: true,
  bufferSteps: DEFAULT_BUFFER_STEPS,
  dataParallelSize: 1,
  dataParallelRank: 0,
  devRoutes: false,
  apiKey: null,
  metricNames: 'current',
  reportsCachedTokens: true,
  sendsRequestId: false,
} as const satisfies Omit<SimOptions, 'encoder'>;

/** Root of vLLM 0.29: PYTHONHASHSEED, else a fixed text, except where that version takes a random
 * one. */
export function hashSettingsOf(options: SimOptions): HashSettings {
  const { hashAlgorithm: algorithm, hashSeed, blockSizeTokens, extraKeyProfile } = options;
  const root =
    hashSeed !== null
      ? rootFromSeed(algorithm, hashSeed)
      : (defaultRoot(algorithm) ?? rootFromSeed(algorithm, randomBytes(32).toString('hex')));
  return { ...root, algorithm, blockSizeTokens, profile: extraKeyProfile };
}

export function engineOptionsOf(options: SimOptions): EngineOptions {
  const { blockSizeTokens, kvTokens, maxNumSeqs, maxNumBatchedTokens } = options;
  const timing = timingOf(options.timing);
  const usableBlocks = Math.floor((kvTokens ?? timing.kvTokens) / blockSizeTokens);
  if (usableBlocks < 1) {
    throw new ConfigError(`a KV cache of ${kvTokens} tokens has no block of ${blockSizeTokens}`);
  }
  return {
    blockSizeTokens,
    usableBlocks,
    maxNumSeqs: maxNumSeqs ?? timing.maxNumSeqs,
    maxNumBatchedTokens: maxNumBatchedTokens ?? timing.maxNumBatchedTokens,
    generatedBlocks: 'cached',
    cost: timing.cost,
    arrivalUs: timing.arrivalUs,
  };
}
