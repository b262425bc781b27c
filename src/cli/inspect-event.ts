// `warmpath inspect event`: one event batch by hand, decoded by the router's own decoder.
import { decodeBatch } from '../events/event-decoder.js';
import type { ExtraKey, KvEvent } from '../events/kv-event.js';

/** One line in (`{hex}`), one line out. Throws an Error that names what is wrong. */
export function inspectEvent(line: unknown): object {
  const batch = decodeBatch(readHex(line));
  const { malformed, malformedReason, unknown } = batch;
  return {
    ts: batch.ts,
    data_parallel_rank: batch.dataParallelRank,
    events: batch.events.map(printed),
    ...(malformed === 0 ? {} : { malformed, malformed_reason: malformedReason }),
    ...(unknown === 0 ? {} : { unknown }),
  };
}

function readHex(line: unknown): Uint8Array {
  const hex: unknown =
    typeof line === 'object' && line !== null && 'hex' in line ? line.hex : undefined;
  if (typeof hex !== 'string' || !/^([0-9a-f]{2})+$/i.test(hex)) {
    throw new Error(`hex: expected an even number of hex digits, got ${shown(hex)}`);
  }
  return Buffer.from(hex, 'hex');
}

/** All fields of the newest schema, null where the engine sent none. 64-bit integers are decimal
 * text, because JSON numbers would round them. */
function printed(event: KvEvent): object {
  if (event.type === 'AllBlocksCleared') return event;
  const hashes = {
    type: event.type,
    block_hashes: event.digests?.map(hexOf) ?? Array.from(event.blockHashes, String),
  };
  const place = {
    medium: event.medium,
    group_idx: event.groupIdx,
    locality: event.locality,
    ownership: event.ownership,
  };
  if (event.type === 'BlockRemoved') return { ...hashes, ...place };
  const { parentBlockHash, parentDigest } = event;
  const parent =
    parentDigest === null ? (parentBlockHash?.toString() ?? null) : hexOf(parentDigest);
  return {
    ...hashes,
    parent_block_hash: parent,
    token_ids: [...event.tokenIds],
    block_size: event.blockSize,
    lora_id: event.loraId === null ? null : printedKey(event.loraId),
    lora_name: event.loraName,
    extra_keys: event.extraKeys?.map((keys) => keys?.map(printedKey) ?? null) ?? null,
    ...place,
    kv_cache_spec_kind: event.kvCacheSpecKind,
    kv_cache_spec_sliding_window: event.kvCacheSpecSlidingWindow,
    session_id: event.sessionId,
  };
}

function printedKey(key: ExtraKey): unknown {
  if (typeof key === 'bigint') return key.toString();
  if (key instanceof Uint8Array) return { hex: hexOf(key) };
  return typeof key === 'object' ? key.map(printedKey) : key;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : (JSON.stringify(value)?.slice(0, 80) ?? typeof value);
}
