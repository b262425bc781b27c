// A simulated engine's event side, for tests: real publisher sockets, events made by hand.
import { setTimeout as delay } from 'node:timers/promises';
import type { EventSource } from '../../src/events/event-messages.js';
import { hashPrompt } from '../../src/prefix/block-hasher.js';
import { NO_KEYS, type PromptKeys } from '../../src/prefix/extra-keys.js';
import { rootFromSeed } from '../../src/prefix/hash-root.js';
import type { HashSettings } from '../../src/prefix/hash-settings.js';
import { EventEncoder, type EventSchema, type KvEvent } from '../../src/sim/event-encoder.js';
import { EventPublisher, type PublisherOptions } from '../../src/sim/event-publisher.js';

export const BLOCK = 4;

/** Settings of an engine with this seed, blocks of 4 tokens. */
export function settingsOf(seed: string): HashSettings {
  return {
    algorithm: 'sha256_cbor',
    ...rootFromSeed('sha256_cbor', seed),
    blockSizeTokens: BLOCK,
    profile: 'main-2026-08-17',
  };
}

/** Tokens of prompt number `prompt`: no two prompts share a block. */
export function tokensOf(prompt: number, blocks: number): Uint32Array {
  return Uint32Array.from({ length: blocks * BLOCK }, (_, i) => prompt * 1000 + i);
}

export interface EngineOptions extends Partial<PublisherOptions> {
  readonly seed?: string;
  readonly schema?: EventSchema;
  /** Rank in the batches, where it is not the publisher's. */
  readonly batchRank?: number;
}

export class EventEngine {
  readonly publisher: EventPublisher;
  readonly settings: HashSettings;
  readonly #encoder: EventEncoder;
  readonly #rank: number;

  static async start(options: EngineOptions = {}): Promise<EventEngine> {
    const publisher = await EventPublisher.start({
      endpoint: 'tcp://127.0.0.1:*',
      replayEndpoint: 'tcp://127.0.0.1:*',
      topic: '',
      dataParallelRank: 0,
      bufferSteps: 1000,
      replayHasTopic: true,
      ...options,
    });
    return new EventEngine(publisher, options);
  }

  private constructor(publisher: EventPublisher, options: EngineOptions) {
    this.publisher = publisher;
    this.settings = settingsOf(options.seed ?? '42');
    this.#encoder = new EventEncoder(options.schema ?? 'S10');
    this.#rank = options.batchRank ?? options.dataParallelRank ?? 0;
  }

  /** Where a source finds this engine. */
  source(change: Partial<EventSource> = {}): EventSource {
    return {
      slot: 3,
      name: 'engine-a',
      epoch: 1,
      connect: this.publisher.address,
      replay: this.publisher.replayAddress,
      host: '127.0.0.1',
      port: 8000,
      model: 'model',
      dataParallelRank: null,
      expected: { algorithm: null, seed: null, blockSizeTokens: null },
      ...change,
    };
  }

  publish(...events: KvEvent[]): void {
    this.publisher.publish(this.#encoder.encodeBatch(Date.now() / 1000, events, this.#rank));
  }

  /** A time stamp of its own for the next batch: restarts are told apart by them. */
  async publishLater(...events: KvEvent[]): Promise<void> {
    await delay(2);
    this.publish(...events);
  }

  hashesOf(prompt: number, blocks: number, keys: PromptKeys = NO_KEYS): bigint[] {
    return [...hashPrompt(tokensOf(prompt, blocks), this.settings, keys)];
  }

  /** Blocks `from` to `to` of a prompt. */
  stored(prompt: number, to: number, from = 0): KvEvent {
    const hashes = this.hashesOf(prompt, to);
    return {
      type: 'BlockStored',
      block_hashes: hashes.slice(from),
      parent_block_hash: hashes[from - 1] ?? null,
      token_ids: tokensOf(prompt, to).subarray(from * BLOCK),
      block_size: BLOCK,
      lora_id: null,
      medium: 'GPU',
      lora_name: null,
      extra_keys: Array.from({ length: to - from }, () => null),
      group_idx: 0,
      kv_cache_spec_kind: 'full_attention',
    };
  }

  removed(prompt: number, block: number): KvEvent {
    const hashes = this.hashesOf(prompt, block + 1).slice(block);
    return { type: 'BlockRemoved', block_hashes: hashes, medium: 'GPU', group_idx: 0 };
  }

  close(): void {
    this.publisher.close();
  }
}
