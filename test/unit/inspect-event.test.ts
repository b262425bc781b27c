// What `warmpath inspect event` prints for vLLM's own batches.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inspectEvent } from '../../src/cli/inspect-event.js';

interface Batch {
  readonly construct: {
    readonly ts: number;
    readonly data_parallel_rank?: number | null;
    readonly events: readonly Readonly<Record<string, unknown>>[];
  };
  readonly payload_hex: string;
}

const { schemas } = JSON.parse(
  readFileSync(new URL('../../../test/vectors/kv_events.json', import.meta.url), 'utf8'),
) as { readonly schemas: readonly { readonly batches: readonly Batch[] }[] };

/** Hashes as the command prints them. */
function printed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(printed);
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  return 'int' in value ? value.int : 'hex' in value ? value.hex : value;
}

test('every golden batch prints its fields in snake case, hashes as text', () => {
  let events = 0;
  for (const { construct, payload_hex: hex } of schemas.flatMap(({ batches }) => batches)) {
    const answer = JSON.parse(JSON.stringify(inspectEvent({ hex })));
    assert.equal(answer.ts, construct.ts);
    assert.equal(answer.data_parallel_rank, construct.data_parallel_rank ?? null);
    construct.events.forEach((event, i) => {
      for (const [name, value] of Object.entries(event)) {
        const isHash = name === 'block_hashes' || name === 'parent_block_hash';
        assert.deepEqual(answer.events[i][name], isHash ? printed(value) : value, name);
      }
      events += 1;
    });
  }
  assert.ok(events > 60);
});

test('bytes in place of integers print as hex', () => {
  const digest = `c420${'ab'.repeat(32)}`;
  const hex = `93cb40590000000000009192ac426c6f636b52656d6f76656491${digest}c0`;
  const answer = JSON.parse(JSON.stringify(inspectEvent({ hex })));
  assert.deepEqual(answer.events[0].block_hashes, ['ab'.repeat(32)]);
});

test('a line without hex digits is refused with its value', () => {
  assert.throws(() => inspectEvent({ hex: 'xyz' }), /hex: expected .* got "xyz"/);
  assert.throws(() => inspectEvent([]), /got nothing/);
  assert.throws(() => inspectEvent({ hex: '93cb' }), /beyond the end/);
});
