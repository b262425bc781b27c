import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockEventLog } from '../../src/sim/block-events.js';
import { IdSequence } from '../../src/sim/block-sequence.js';

test('events come out once, in order, removals that follow each other together', () => {
  const log = new BlockEventLog();
  const sequence = new IdSequence(BigUint64Array.of(5n, 6n), 32, 16);
  assert.equal(log.isEmpty, true);
  log.removed(1, 2);
  log.removed(3, 0);
  log.stored(sequence, 0, 2);
  log.removed(7, 0);
  log.cleared();
  assert.equal(log.isEmpty, false);
  assert.deepEqual(log.take(), [
    { kind: 'removed', hashes: BigUint64Array.of((2n << 32n) | 1n, 3n) },
    { kind: 'stored', sequence, from: 0, to: 2 },
    { kind: 'removed', hashes: BigUint64Array.of(7n) },
    { kind: 'cleared' },
  ]);
  assert.equal(log.isEmpty, true);
  assert.deepEqual(log.take(), []);
});

test('a long run of removals is kept whole', () => {
  const log = new BlockEventLog();
  for (let i = 0; i < 1000; i += 1) log.removed(i, i);
  const [event] = log.take();
  assert.ok(event?.kind === 'removed');
  assert.deepEqual([event.hashes.length, event.hashes[999]], [1000, (999n << 32n) | 999n]);
});
