// Encodes KV cache events as vLLM's msgspec structs do, byte for byte, in any schema generation.
import type { ExtraKey } from '../prefix/extra-keys.js';
import { type MsgpackValue, MsgpackWriter } from './msgpack-writer.js';

/** A block hash on the wire: a 64-bit integer, or the raw digest. */
export type WireHash = bigint | Uint8Array;

/** Field names are vLLM's. A field that the schema does not have is left out. */
export interface BlockStored {
  readonly type: 'BlockStored';
  readonly block_hashes: readonly WireHash[];
  readonly parent_block_hash: WireHash | null;
  readonly token_ids: readonly number[] | Uint32Array;
  readonly block_size: number;
  readonly lora_id: number | null;
  readonly medium?: string | null;
  readonly lora_name?: string | null;
  readonly extra_keys?: readonly (readonly ExtraKey[] | null)[] | null;
  readonly group_idx?: number | null;
  readonly kv_cache_spec_kind?: string | null;
  readonly kv_cache_spec_sliding_window?: number | null;
  readonly locality?: string | null;
  readonly ownership?: string | null;
  readonly session_id?: string | null;
}

export interface BlockRemoved {
  readonly type: 'BlockRemoved';
  readonly block_hashes: readonly WireHash[];
  readonly medium?: string | null;
  readonly group_idx?: number | null;
  readonly locality?: string | null;
  readonly ownership?: string | null;
}

export interface AllBlocksCleared {
  readonly type: 'AllBlocksCleared';
}

export type KvEvent = BlockStored | BlockRemoved | AllBlocksCleared;

/** Generations of the event structs (S11 is derived, not captured). */
export const EVENT_SCHEMAS = [
  'S1',
  'S2',
  'S3',
  'S4',
  'S5',
  'S6',
  'S7',
  'S8',
  'S9',
  'S10',
  'S11',
] as const;
export type EventSchema = (typeof EVENT_SCHEMAS)[number];

interface Field {
  readonly name: string;
  /** Generation that brought it. */
  readonly since: number;
  /** Whether vLLM's struct gives it a default, which is null. */
  readonly hasDefault: boolean;
}

const field = (name: string, since: number): Field => ({ name, since, hasDefault: false });
const fieldWithDefault = (name: string, since: number): Field => ({
  name,
  since,
  hasDefault: true,
});

const STORED: readonly Field[] = [
  field('block_hashes', 1),
  field('parent_block_hash', 1),
  field('token_ids', 1),
  field('block_size', 1),
  field('lora_id', 1),
  field('medium', 3),
  field('lora_name', 5),
  fieldWithDefault('extra_keys', 6),
  fieldWithDefault('group_idx', 7),
  fieldWithDefault('kv_cache_spec_kind', 8),
  fieldWithDefault('kv_cache_spec_sliding_window', 8),
  fieldWithDefault('locality', 10),
  fieldWithDefault('ownership', 11),
  fieldWithDefault('session_id', 11),
];

const REMOVED: readonly Field[] = [
  field('block_hashes', 1),
  field('medium', 3),
  fieldWithDefault('group_idx', 7),
  fieldWithDefault('locality', 10),
  fieldWithDefault('ownership', 11),
];

const FIRST_MAP_GENERATION = 9;
const FIRST_RANK_GENERATION = 2;

export class EventEncoder {
  private readonly generation: number;
  private readonly fields: { readonly [Type in KvEvent['type']]: readonly Field[] };
  private readonly writer = new MsgpackWriter();

  constructor(schema: EventSchema) {
    this.generation = Number(schema.slice(1));
    const known = (fields: readonly Field[]) =>
      fields.filter(({ since }) => since <= this.generation);
    this.fields = {
      BlockStored: known(STORED),
      BlockRemoved: known(REMOVED),
      AllBlocksCleared: [],
    };
  }

  encodeEvent(event: KvEvent): Buffer {
    this.write(event);
    return this.writer.take();
  }

  /** `[ts, events, data_parallel_rank]`; `timeSeconds` is unix time. */
  encodeBatch(timeSeconds: number, events: readonly KvEvent[], rank: number | null): Buffer {
    const hasRank = this.generation >= FIRST_RANK_GENERATION;
    this.writer.arrayHeader(hasRank ? 3 : 2);
    this.writer.float64(timeSeconds);
    this.writer.arrayHeader(events.length);
    for (const event of events) this.write(event);
    if (hasRank) this.writer.value(rank);
    return this.writer.take();
  }

  private write(event: KvEvent): void {
    const values: Readonly<Record<string, MsgpackValue | undefined>> = { ...event };
    const fields = this.fields[event.type];
    if (this.generation < FIRST_MAP_GENERATION) {
      // msgspec writes all fields of an array-like struct, trailing nulls included.
      this.writer.arrayHeader(1 + fields.length);
      this.writer.value(event.type);
      for (const { name } of fields) this.writer.value(values[name] ?? null);
      return;
    }
    const present = fields.filter(
      ({ name, hasDefault }) => !hasDefault || (values[name] ?? null) !== null,
    );
    this.writer.mapHeader(1 + present.length);
    this.writer.value('type');
    this.writer.value(event.type);
    for (const { name } of present) {
      this.writer.value(name);
      this.writer.value(values[name] ?? null);
    }
  }
}
