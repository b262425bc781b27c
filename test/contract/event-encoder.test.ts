// The simulator's events equal those of vLLM's own structs, in every schema generation.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EVENT_SCHEMAS, EventEncoder, type KvEvent } from '../../src/sim/event-encoder.js';

interface Sample {
  readonly name: string;
  readonly construct: KvEvent;
  readonly event_hex: string;
}
interface BatchSample {
  readonly name: string;
  readonly construct: {
    readonly ts: number;
    readonly events: readonly KvEvent[];
    readonly data_parallel_rank?: number | null;
  };
  readonly payload_hex: string;
}
interface Schema {
  readonly schema: string;
  readonly events: readonly Sample[];
  readonly batches: readonly BatchSample[];
}

/** The vectors write 64-bit integers and bytes as objects. */
function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('int' in value) return BigInt(String(value.int));
  if ('hex' in value) return Buffer.from(String(value.hex), 'hex');
  return value;
}

const vectors: { readonly schemas: readonly Schema[] } = JSON.parse(
  readFileSync(new URL('../../../test/vectors/kv_events.json', import.meta.url), 'utf8'),
  revive,
);

// `main` of the vectors has the fields of S10.
const generation = (schema: string) => (schema === 'main' ? 'S10' : schema);

test('the vectors cover every schema', () => {
  const covered = new Set(vectors.schemas.map(({ schema }) => generation(schema)));
  assert.deepEqual([...covered].sort(), [...EVENT_SCHEMAS].sort());
});

for (const { schema, events, batches } of vectors.schemas) {
  const name = EVENT_SCHEMAS.find((known) => known === generation(schema)) ?? 'S1';
  const encoder = new EventEncoder(name);

  test(`${schema}: every event equals vLLM's bytes`, () => {
    assert.ok(events.length >= 7);
    for (const sample of events) {
      const encoded = encoder.encodeEvent(sample.construct).toString('hex');
      assert.equal(encoded, sample.event_hex, sample.name);
    }
  });

  test(`${schema}: every batch equals vLLM's bytes`, () => {
    assert.ok(batches.length >= 2);
    for (const { construct, payload_hex, name: batch } of batches) {
      const { ts, data_parallel_rank: rank = null } = construct;
      const encoded = encoder.encodeBatch(ts, construct.events, rank).toString('hex');
      assert.equal(encoded, payload_hex, batch);
    }
  });
}

test('a batch of many events has the long array header', () => {
  const removed = (hash: bigint): KvEvent => ({
    type: 'BlockRemoved',
    block_hashes: [hash],
    medium: 'GPU',
  });
  const encoder = new EventEncoder('S10');
  const many = (count: number) =>
    encoder.encodeBatch(
      1,
      Array.from({ length: count }, (_, i) => removed(BigInt(i))),
      0,
    );
  assert.equal(many(15).subarray(10, 11).toString('hex'), '9f');
  assert.equal(many(16).subarray(10, 13).toString('hex'), 'dc0010');
  assert.equal(many(70_000).subarray(10, 15).toString('hex'), 'dd00011170');
});
