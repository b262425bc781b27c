// A model as configured, and what follows from it for the endpoints that serve it.
import type { Endpoint } from '../endpoint/endpoint.js';
import type { EngineMetrics } from '../endpoint/engine-metrics.js';
import type { EventSource } from '../events/event-messages.js';
import { HASH_ALGORITHMS, type HashAlgorithm } from '../native.js';
import { defaultRoot, rootFromSeed } from '../prefix/hash-root.js';
import type { HashSettings } from '../prefix/hash-settings.js';
import { ownChain } from '../prefix/own-chain.js';
import type { ChatFlags } from '../tokenizer/match-task.js';

/** vLLM's own default, until an engine says otherwise. */
const DEFAULT_BLOCK_SIZE = 16;

/** A model as configured. null: to be found out from the engines. */
export interface FleetModel {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly tokenizer: string;
  /** Engines are asked for the tokens of prompts with media. */
  readonly rendersMedia: boolean;
  readonly blockSizeTokens: number | null;
  readonly hashAlgorithm: HashAlgorithm | null;
  readonly hashSeed: string | null;
  readonly maxModelLen: number | null;
  /** For what the router itself asks the engines. */
  readonly apiKey: string | null;
  /** Whether clients' requests carry `apiKey` too, in place of their own Authorization. */
  readonly replaceAuthorization: boolean;
  readonly chat: ChatFlags;
}

/** Until events have proven how an engine hashes: what configuration and metrics say, so that what is
 * predicted now is still found when the proof comes; else a chain of our own. */
export function likelySettings(
  model: FleetModel | undefined,
  metrics: EngineMetrics | null,
): HashSettings {
  const blockSizeTokens = model?.blockSizeTokens ?? metrics?.blockSizeTokens ?? DEFAULT_BLOCK_SIZE;
  const reported = HASH_ALGORITHMS.find((name) => name === metrics?.hashAlgorithm);
  const algorithm = model?.hashAlgorithm ?? reported ?? null;
  if (algorithm === null) return ownChain(blockSizeTokens);
  const seed = model?.hashSeed ?? null;
  const root = seed === null ? defaultRoot(algorithm) : rootFromSeed(algorithm, seed);
  if (root === null) return ownChain(blockSizeTokens);
  return { algorithm, ...root, blockSizeTokens, profile: 'main-2026-08-17' };
}

/** Whether events of the model's endpoints mean the same under both. */
export function readsEventsAlike(a: FleetModel, b: FleetModel): boolean {
  return (
    a.blockSizeTokens === b.blockSizeTokens &&
    a.hashAlgorithm === b.hashAlgorithm &&
    a.hashSeed === b.hashSeed
  );
}

export function eventSourceOf(endpoint: Endpoint, model: FleetModel | undefined): EventSource {
  const { slot, name, epoch, kvEvents, kvReplay, dataParallelRank, url } = endpoint;
  const { hostname, port, protocol } = new URL(url);
  return {
    slot,
    name,
    epoch,
    connect: kvEvents,
    replay: kvReplay,
    host: hostname,
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    model: endpoint.model,
    dataParallelRank,
    expected: {
      algorithm: model?.hashAlgorithm ?? null,
      seed: model?.hashSeed ?? null,
      blockSizeTokens: model?.blockSizeTokens ?? null,
    },
  };
}
