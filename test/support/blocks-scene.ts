// The blocks of one endpoint over an index of their own, and events as its engine would tell them.
import type { Prover } from '../../src/events/block-keying.js';
import { EndpointBlocks } from '../../src/events/endpoint-blocks.js';
import { EventApplier } from '../../src/events/event-applier.js';
import { newCounts } from '../../src/events/event-counts.js';
import { RehashBudget } from '../../src/events/rehasher.js';
import { type NativePrefixIndex, native, TIER } from '../../src/native.js';
import { hashPrompt } from '../../src/prefix/block-hasher.js';
import { NO_KEYS } from '../../src/prefix/extra-keys.js';
import { proveHashing } from '../../src/prefix/hash-prover.js';
import { rootFromSeed } from '../../src/prefix/hash-root.js';
import type { HashSettings } from '../../src/prefix/hash-settings.js';
import { EventEncoder, type EventSchema, type KvEvent } from '../../src/sim/event-encoder.js';
import { NaivePrefixIndex } from './naive-prefix-index.js';

export const SLOT = 2;
export const BLOCK = 4;
export const RANDOM_ROOT: HashSettings = {
  algorithm: 'sha256_cbor',
  rootHex: 'c0ffee'.padEnd(64, '7'),
  rootName: 'random',
  blockSizeTokens: BLOCK,
  profile: 'main-2026-08-17',
};
export const SEED_42: HashSettings = { ...RANDOM_ROOT, ...rootFromSeed('sha256_cbor', '42') };

export function start(prove: Prover = proveHashing, schema: EventSchema = 'S10') {
  const index = new NaivePrefixIndex();
  const parts = startOn(index, prove, schema);
  const held = (tier: 0 | 1 | 2 = TIER.gpu) => index.hashesOf(SLOT, tier);
  return { ...parts, index, held };
}

export function startNative(schema: EventSchema) {
  const index = new native.PrefixIndex({ maxBytes: 16 * 1024 * 1024 });
  return { ...startOn(index, proveHashing, schema), index };
}

export function startOn(index: NativePrefixIndex, prove: Prover, schema: EventSchema) {
  const counts = newCounts();
  const encoder = new EventEncoder(schema);
  const expected = { algorithm: null, seed: null, blockSizeTokens: null };
  const blocks = new EndpointBlocks({
    source: {
      slot: SLOT,
      name: 'engine',
      epoch: 1,
      connect: null,
      replay: null,
      host: 'h',
      port: 1,
      model: 'm',
      dataParallelRank: null,
      expected,
    },
    applier: new EventApplier(index, SLOT),
    prove,
    counts,
    rehashBudget: new RehashBudget(),
    nowMs: () => 5_000,
    changed: () => undefined,
  });
  const apply = (...events: readonly KvEvent[]) => blocks.apply(encoder.encodeBatch(3, events, 0));
  return { counts, blocks, apply };
}

export const tokens = (prompt: number, count: number) =>
  Uint32Array.from({ length: count }, (_, i) => prompt * 1000 + i);

/** Blocks `from` to `to` of a prompt as an engine with these settings announces them. */
export function stored(
  settings: HashSettings,
  prompt: number,
  to: number,
  from = 0,
  change: Partial<KvEvent & { type: 'BlockStored' }> = {},
  salt: string | null = null,
): KvEvent & { type: 'BlockStored' } {
  const keys = { ...NO_KEYS, cacheSalt: salt };
  const hashes = [...hashPrompt(tokens(prompt, to * BLOCK), settings, keys)];
  const extra = Array.from({ length: to - from }, (_, i) =>
    salt !== null && from + i === 0 ? [salt] : null,
  );
  return {
    type: 'BlockStored',
    block_hashes: hashes.slice(from),
    parent_block_hash: hashes[from - 1] ?? null,
    token_ids: tokens(prompt, to * BLOCK).subarray(from * BLOCK),
    block_size: BLOCK,
    lora_id: null,
    lora_name: null,
    medium: 'GPU',
    extra_keys: extra,
    group_idx: 0,
    kv_cache_spec_kind: 'full_attention',
    ...change,
  };
}

export const sorted = (hashes: Iterable<bigint>) => [...hashes].sort((a, b) => (a < b ? -1 : 1));
export const hashesOf = (settings: HashSettings, prompt: number, blocks: number) =>
  sorted(hashPrompt(tokens(prompt, blocks * BLOCK), settings));
