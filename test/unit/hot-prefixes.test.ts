import assert from 'node:assert/strict';
import test from 'node:test';
import { HotPrefixes } from '../../src/traffic/hot-prefixes.js';

const chain = (...hashes: bigint[]) => BigUint64Array.from(hashes);

test('requests matched by the same prefix are one entry, whatever follows it', () => {
  const prefixes = new HotPrefixes();
  prefixes.note(chain(1n, 2n, 3n), 2, 16, 0);
  prefixes.note(chain(1n, 2n, 4n, 5n), 2, 16, 0);
  prefixes.note(chain(9n), 1, 16, 0);
  const [first, second] = prefixes.top(8, 0);
  assert.deepEqual([...(first?.hashes ?? [])], [1n, 2n]);
  assert.equal(first?.weight, 2);
  assert.equal(second?.blockCount, 1);
});

test('a request that nobody held anything of is no prefix', () => {
  const prefixes = new HotPrefixes();
  prefixes.note(chain(1n, 2n), 0, 16, 0);
  assert.deepEqual(prefixes.top(8, 0), []);
});

test('what is used now outweighs what was used much a while ago', () => {
  const prefixes = new HotPrefixes();
  for (let i = 0; i < 4; i += 1) prefixes.note(chain(1n), 1, 16, 0);
  prefixes.note(chain(2n), 1, 16, 240_000);
  const [first, second] = prefixes.top(2, 240_000);
  assert.deepEqual([...(first?.hashes ?? [])], [2n]);
  assert.equal(second?.idleMs, 240_000);
});

test('a hot prefix survives any number of prefixes used once', () => {
  const prefixes = new HotPrefixes();
  for (let i = 0; i < 1000; i += 1) {
    if (i % 20 === 0) prefixes.note(chain(7n), 1, 16, i);
    prefixes.note(chain(BigInt(1000 + i)), 1, 16, i);
  }
  const all = prefixes.top(1000, 1000);
  assert.equal(all.length, 64);
  assert.deepEqual([...(all[0]?.hashes ?? [])], [7n]);
});
