// Golden KV events, and decoded events in the form those vectors write them.
import { readFileSync } from 'node:fs';
import type { KvEvent } from '../../src/events/kv-event.js';

export interface EventVector {
  readonly name: string;
  /** Type and every field; 64-bit integers as bigint, bytes as Buffer. */
  readonly construct: Readonly<Record<string, unknown>>;
  readonly event_hex: string;
}

export interface BatchVector {
  readonly name: string;
  readonly construct: {
    readonly ts: number;
    readonly events: readonly Readonly<Record<string, unknown>>[];
    readonly data_parallel_rank?: number | null;
  };
  readonly payload_hex: string;
}

export interface SchemaVectors {
  readonly schema: string;
  readonly event_encoding: 'array' | 'map';
  readonly fields: Readonly<Record<string, readonly string[]>>;
  readonly events: readonly EventVector[];
  readonly batches: readonly BatchVector[];
}

/** The vectors write 64-bit integers and bytes as objects. */
function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('int' in value) return BigInt(String(value.int));
  if ('hex' in value) return Buffer.from(String(value.hex), 'hex');
  return value;
}

export function readVectors(file: string): unknown {
  return JSON.parse(
    readFileSync(new URL(`../../../test/vectors/${file}`, import.meta.url), 'utf8'),
    revive,
  );
}

/** A batch around one event: `[ts, [event], null]`. */
export function batchOf(...events: readonly Uint8Array[]): Buffer {
  const head = Buffer.from([0x93, 0xcb, 0x40, 0x59, 0, 0, 0, 0, 0, 0, 0xdc, 0, events.length]);
  return Buffer.concat([head, ...events, Buffer.from([0xc0])]);
}

/** Fields as the wire names them; hashes as the engine sent them. */
export function toConstruct(event: KvEvent): Record<string, unknown> {
  if (event.type === 'AllBlocksCleared') return { type: event.type };
  const shared = {
    type: event.type,
    block_hashes: event.digests ?? [...event.blockHashes],
    medium: event.medium,
    group_idx: event.groupIdx,
    locality: event.locality,
    ownership: event.ownership,
  };
  if (event.type === 'BlockRemoved') return shared;
  return {
    ...shared,
    parent_block_hash: event.parentDigest ?? event.parentBlockHash,
    token_ids: [...event.tokenIds],
    block_size: event.blockSize,
    lora_id: event.loraId,
    lora_name: event.loraName,
    extra_keys: event.extraKeys,
    kv_cache_spec_kind: event.kvCacheSpecKind,
    kv_cache_spec_sliding_window: event.kvCacheSpecSlidingWindow,
    session_id: event.sessionId,
  };
}
