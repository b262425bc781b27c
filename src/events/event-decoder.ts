// KV event batches as vLLM 0.9 to 0.30 send them: msgpack, each event an array or a map. This is the
// readable decoder: oracle of the native one, and the way of everything that needs token ids.
import { Unpackr } from 'msgpackr';
import type { BlockRemoved, BlockStored, ExtraKey, KvEvent } from './kv-event.js';
import { MsgpackError, readArrayHead, skipValue } from './msgpack-walker.js';

export interface EventBatch {
  /** Unix time in seconds, by the engine's clock. */
  readonly ts: number;
  readonly dataParallelRank: number | null;
  readonly events: readonly KvEvent[];
  /** Events left out because they are not what they claim to be, and why the first one was. */
  readonly malformed: number;
  readonly malformedReason: string | null;
  /** Removals among them: what they took away is not known. */
  readonly lostRemovals: number;
  /** Events left out because their tag is new to us. */
  readonly unknown: number;
  /** Fields of good events that are new to us. */
  readonly unknownFields: number;
}

/** Nesting of one event: event > extra_keys > block > key > part is 5. */
const EVENT_DEPTH_MAX = 6;

/** Field order of the array form; later generations only appended. */
const STORED_FIELDS = [
  'block_hashes',
  'parent_block_hash',
  'token_ids',
  'block_size',
  'lora_id',
  'medium',
  'lora_name',
  'extra_keys',
  'group_idx',
  'kv_cache_spec_kind',
  'kv_cache_spec_sliding_window',
  'locality',
  'ownership',
  'session_id',
] as const;
const REMOVED_FIELDS = ['block_hashes', 'medium', 'group_idx', 'locality', 'ownership'] as const;
const FIELDS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['BlockStored', STORED_FIELDS],
  ['BlockRemoved', REMOVED_FIELDS],
  ['AllBlocksCleared', []],
]);

type Fields = ReadonlyMap<string, unknown>;

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType: 'bigint' });

/** Throws a MsgpackError when the batch as a whole cannot be read; a bad event is only counted. */
export function decodeBatch(payload: Uint8Array): EventBatch {
  const batch = readArrayHead(payload, 0);
  if (batch.length < 2)
    throw new MsgpackError(`batch of ${batch.length} elements, expected 2 or 3`);
  const tsEnd = skipValue(payload, batch.start).end;
  const ts: unknown = unpack(payload, batch.start, tsEnd);
  if (typeof ts !== 'number') throw new MsgpackError('ts is not a number');

  const list = readArrayHead(payload, tsEnd);
  const events: KvEvent[] = [];
  let malformed = 0;
  let malformedReason: string | null = null;
  let lostRemovals = 0;
  let unknown = 0;
  let unknownFields = 0;
  let offset = list.start;
  for (let i = 0; i < list.length; i += 1) {
    const { end, depth } = skipValue(payload, offset);
    let tag = '';
    try {
      if (depth > EVENT_DEPTH_MAX) throw new MsgpackError(`nested deeper than ${EVENT_DEPTH_MAX}`);
      const named = nameFields(unpack(payload, offset, end));
      if (named === null) unknown += 1;
      else {
        tag = named.tag;
        events.push(toEvent(tag, named.fields));
        unknownFields += named.unknownFields;
      }
    } catch (error) {
      malformed += 1;
      if (tag === 'BlockRemoved') lostRemovals += 1;
      malformedReason ??= `event ${i}: ${error instanceof Error ? error.message : String(error)}`;
    }
    offset = end;
  }
  const dataParallelRank = batch.length > 2 ? readRank(payload, offset) : null;
  const faults = { malformed, malformedReason, lostRemovals };
  return { ts, dataParallelRank, events, ...faults, unknown, unknownFields };
}

function readRank(payload: Uint8Array, offset: number): number | null {
  const rank = unpack(payload, offset, skipValue(payload, offset).end);
  if (rank === null) return null;
  if (isCount(rank)) return rank;
  throw new MsgpackError(`data_parallel_rank is ${show(rank)}`);
}

function unpack(payload: Uint8Array, start: number, end: number): unknown {
  return unpackr.unpack(payload, { start, end });
}

/** Both forms as one: field name to value. Null when the tag is unknown. */
function nameFields(event: unknown): { tag: string; fields: Fields; unknownFields: number } | null {
  if (event instanceof Map) {
    const tag: unknown = event.get('type');
    if (typeof tag !== 'string') throw new MsgpackError('has no type');
    const known = FIELDS.get(tag);
    if (known === undefined) return null;
    let unknownFields = 0;
    for (const name of event.keys()) {
      if (name !== 'type' && !known.includes(name)) unknownFields += 1;
    }
    return { tag, fields: event, unknownFields };
  }
  if (!Array.isArray(event)) throw new MsgpackError('is neither an array nor a map');
  const tag: unknown = event[0];
  if (typeof tag !== 'string') throw new MsgpackError('has no type');
  const known = FIELDS.get(tag);
  if (known === undefined) return null;
  const fields = new Map<string, unknown>(known.map((name, i) => [name, event[i + 1] ?? null]));
  return { tag, fields, unknownFields: Math.max(0, event.length - 1 - known.length) };
}

function toEvent(tag: string, fields: Fields): KvEvent {
  if (tag === 'AllBlocksCleared') return { type: tag };
  const { blockHashes, digests } = readHashes(fields);
  const medium = optional(fields, 'medium', isString);
  const groupIdx = optional(fields, 'group_idx', isCount);
  const locality = optional(fields, 'locality', isString);
  const ownership = optional(fields, 'ownership', isString);
  if (tag === 'BlockRemoved') {
    return { type: tag, blockHashes, digests, medium, groupIdx, locality, ownership };
  }
  const parent = fields.get('parent_block_hash') ?? null;
  return {
    type: 'BlockStored',
    blockHashes,
    digests,
    parentBlockHash: parent === null ? null : toHash(parent, 'parent_block_hash'),
    parentDigest: parent instanceof Uint8Array ? parent.slice() : null,
    tokenIds: readTokenIds(fields),
    blockSize: optional(fields, 'block_size', isCount) ?? 0,
    loraId: optional(fields, 'lora_id', isInteger),
    medium,
    loraName: optional(fields, 'lora_name', isString),
    extraKeys: readExtraKeys(fields),
    groupIdx,
    kvCacheSpecKind: optional(fields, 'kv_cache_spec_kind', isString),
    kvCacheSpecSlidingWindow: optional(fields, 'kv_cache_spec_sliding_window', isCount),
    locality,
    ownership,
    sessionId: optional(fields, 'session_id', isString),
  };
}

function readHashes(fields: Fields): Pick<BlockRemoved, 'blockHashes' | 'digests'> {
  const values = fields.get('block_hashes');
  if (!Array.isArray(values)) throw new MsgpackError(`block_hashes is ${show(values)}`);
  const blockHashes = new BigUint64Array(values.length);
  const digests: Uint8Array[] = [];
  values.forEach((value: unknown, i) => {
    blockHashes[i] = toHash(value, `block_hashes[${i}]`);
    // A copy, so that the whole message is not kept alive for 32 bytes of it.
    if (value instanceof Uint8Array) digests.push(value.slice());
  });
  const allDigests = digests.length > 0 && digests.length === values.length;
  return { blockHashes, digests: allDigests ? digests : null };
}

/** Unsigned 64 bits of an unsigned or negative integer, or of the last 8 bytes of a digest. */
function toHash(value: unknown, place: string): bigint {
  if (typeof value === 'bigint') return BigInt.asUintN(64, value);
  // Integers of 64 bits come as bigint: a number beyond 32 bits was a float, which is no hash.
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 32) {
    return BigInt.asUintN(64, BigInt(value));
  }
  if (!(value instanceof Uint8Array)) throw new MsgpackError(`${place} is ${show(value)}`);
  const size = value.length;
  if (size !== 8 && size !== 16 && size !== 32) {
    throw new MsgpackError(`${place} has ${size} bytes, expected 8, 16 or 32`);
  }
  return new DataView(value.buffer, value.byteOffset + size - 8, 8).getBigUint64(0);
}

function readTokenIds(fields: Fields): Uint32Array {
  const values: unknown = fields.get('token_ids') ?? [];
  if (!Array.isArray(values)) throw new MsgpackError(`token_ids is ${show(values)}`);
  const tokenIds = new Uint32Array(values.length);
  values.forEach((value: unknown, i) => {
    if (!isCount(value) || value > 0xffffffff) {
      throw new MsgpackError(`token_ids[${i}] is ${show(value)}`);
    }
    tokenIds[i] = value;
  });
  return tokenIds;
}

function readExtraKeys(fields: Fields): BlockStored['extraKeys'] {
  const blocks: unknown = fields.get('extra_keys') ?? null;
  if (blocks === null) return null;
  if (!Array.isArray(blocks)) throw new MsgpackError(`extra_keys is ${show(blocks)}`);
  return blocks.map((keys: unknown, i) => {
    if (keys === null) return null;
    if (isExtraKey(keys) && Array.isArray(keys)) return keys;
    throw new MsgpackError(`extra_keys[${i}] is ${show(keys)}`);
  });
}

function isExtraKey(value: unknown): value is ExtraKey {
  if (Array.isArray(value)) return value.every(isExtraKey);
  return isString(value) || isInteger(value) || value instanceof Uint8Array;
}

/** A field that may be null or absent. */
function optional<T>(fields: Fields, name: string, is: (value: unknown) => value is T): T | null {
  const value = fields.get(name) ?? null;
  if (value === null || is(value)) return value;
  throw new MsgpackError(`${name} is ${show(value)}`);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isSafeInteger(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A value for an error message: its kind, or itself when short. */
function show(value: unknown): string {
  if (value === undefined || value === null) return 'missing';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`;
}
