// Events of every schema generation decode to what vLLM's own structs held.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Unpackr } from 'msgpackr';
import { decodeBatch } from '../../src/events/event-decoder.js';
import { peekRank, peekTimestamp } from '../../src/events/event-frames.js';
import { MsgpackError } from '../../src/events/msgpack-walker.js';
import { batchOf, readVectors, type SchemaVectors, toConstruct } from '../support/event-vectors.js';

const { schemas } = readVectors('kv_events.json') as { readonly schemas: readonly SchemaVectors[] };
const raw = new Unpackr({ useRecords: false, mapsAsObjects: false });

/** Only the fields that the schema has: ours are those of the newest, null where absent. Hashes
 * below 2^53 are numbers in the vectors. */
function asVector(value: unknown, construct: Readonly<Record<string, unknown>>): unknown {
  const names = new Set(Object.keys(construct));
  const entries = Object.entries(value as Record<string, unknown>);
  for (const [name, field] of entries) {
    if (!names.has(name)) assert.equal(field, null, `${name} is not in the schema`);
  }
  return Object.fromEntries(entries.filter(([name]) => names.has(name)));
}

function normalised(construct: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const wide = (hash: unknown) => (typeof hash === 'number' ? BigInt(hash) : hash);
  const { block_hashes: hashes, parent_block_hash: parent } = construct;
  return {
    ...construct,
    ...(Array.isArray(hashes) ? { block_hashes: hashes.map(wide) } : {}),
    ...(parent === undefined ? {} : { parent_block_hash: wide(parent) }),
  };
}

/** Equal values, a Buffer and a Uint8Array of the same bytes among them. */
function assertSame(actual: unknown, expected: unknown, message: string): void {
  const plain = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString('hex') };
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  };
  assert.deepEqual(plain(actual), plain(expected), message);
}

test('the vectors hold all schemas, events and batches', () => {
  assert.equal(schemas.length, 12);
  assert.equal(
    schemas.reduce((sum, { events }) => sum + events.length, 0),
    183,
  );
  assert.equal(
    schemas.reduce((sum, { batches }) => sum + batches.length, 0),
    35,
  );
});

for (const { schema, event_encoding: encoding, fields, events, batches } of schemas) {
  test(`${schema}: every event decodes to what was encoded`, () => {
    for (const { name, construct, event_hex: hex } of events) {
      const batch = decodeBatch(batchOf(Buffer.from(hex, 'hex')));
      assert.equal(batch.malformed, 0, `${name}: ${batch.malformedReason}`);
      assert.equal(batch.unknown + batch.unknownFields, 0, name);
      const [event] = batch.events;
      assert.ok(event !== undefined && batch.events.length === 1, name);
      assertSame(asVector(toConstruct(event), construct), normalised(construct), name);
    }
  });

  test(`${schema}: events are whole ${encoding}s`, () => {
    for (const { name, construct, event_hex: hex } of events) {
      const value: unknown = raw.unpack(Buffer.from(hex, 'hex'));
      if (encoding === 'map') assert.ok(value instanceof Map && value.has('type'), name);
      else {
        const expected = 1 + (fields[String(construct['type'])]?.length ?? Number.NaN);
        assert.ok(Array.isArray(value) && value.length === expected, name);
      }
    }
  });

  test(`${schema}: every batch decodes to its events, time and rank`, () => {
    for (const { name, construct, payload_hex: hex } of batches) {
      const payload = Buffer.from(hex, 'hex');
      const batch = decodeBatch(payload);
      assert.equal((raw.unpack(payload) as unknown[]).length, schema === 'S1' ? 2 : 3, name);
      assert.equal(batch.ts, construct.ts, name);
      assert.equal(peekTimestamp(payload), construct.ts, name);
      assert.equal(batch.dataParallelRank, construct.data_parallel_rank ?? null, name);
      assert.equal(peekRank(payload), construct.data_parallel_rank ?? null, name);
      assert.equal(batch.malformed, 0, name);
      assert.equal(batch.events.length, construct.events.length, name);
      batch.events.forEach((event, i) => {
        const expected = construct.events[i] ?? {};
        assertSame(asVector(toConstruct(event), expected), normalised(expected), name);
      });
    }
  });

  test(`${schema}: a batch cut off anywhere is an error, never a wrong batch`, () => {
    for (const { payload_hex: hex } of batches) {
      const payload = Buffer.from(hex, 'hex');
      for (let length = 0; length < payload.length; length += 1) {
        assert.throws(() => decodeBatch(payload.subarray(0, length)), MsgpackError);
      }
    }
  });
}

test('a changed byte never throws anything but the error of bad bytes', () => {
  for (const { batches } of schemas) {
    for (const { payload_hex: hex } of batches) {
      const payload = Buffer.from(hex, 'hex');
      for (let at = 0; at < payload.length; at += 3) {
        for (const byte of [0xc1, 0xdf, 0x92, 0xff, 0x00]) {
          const changed = Buffer.from(payload);
          changed[at] = byte;
          try {
            decodeBatch(changed);
          } catch (error) {
            assert.ok(error instanceof MsgpackError, String(error));
          }
        }
      }
    }
  }
});
