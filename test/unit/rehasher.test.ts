// Own hashes beside the engine's: what can be keyed by tokens, and what cannot.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockRemoved, BlockStored } from '../../src/events/kv-event.js';
import { RehashBudget, Rehasher } from '../../src/events/rehasher.js';
import { hashPrompt } from '../../src/prefix/block-hasher.js';
import { NO_KEYS, type PromptKeys } from '../../src/prefix/extra-keys.js';
import { ownChain } from '../../src/prefix/own-chain.js';

const BLOCK = 4;
const tokens = (prompt: number, blocks: number) =>
  Uint32Array.from({ length: blocks * BLOCK }, (_, i) => prompt * 1000 + i);
const own = (prompt: number, blocks: number, keys: PromptKeys = NO_KEYS) => [
  ...hashPrompt(tokens(prompt, blocks), ownChain(BLOCK), keys),
];

/** Engine hashes are any numbers: prompt and block make one up. */
const nameOf = (prompt: number, block: number) => BigInt(prompt * 100 + block);

function stored(prompt: number, to: number, from = 0, change: Partial<BlockStored> = {}) {
  const count = to - from;
  const event: BlockStored = {
    type: 'BlockStored',
    blockHashes: BigUint64Array.from({ length: count }, (_, i) => nameOf(prompt, from + i)),
    parentBlockHash: from === 0 ? null : nameOf(prompt, from - 1),
    digests: null,
    parentDigest: null,
    tokenIds: tokens(prompt, to).subarray(from * BLOCK),
    blockSize: BLOCK,
    loraId: null,
    medium: 'GPU',
    loraName: null,
    extraKeys: Array.from({ length: count }, () => null),
    groupIdx: 0,
    kvCacheSpecKind: null,
    kvCacheSpecSlidingWindow: null,
    locality: null,
    ownership: null,
    sessionId: null,
    ...change,
  };
  return event;
}

function removed(prompt: number, block: number, medium: string | null = 'GPU'): BlockRemoved {
  const blockHashes = BigUint64Array.of(nameOf(prompt, block));
  const nothing = { digests: null, groupIdx: 0, locality: null, ownership: null };
  return { type: 'BlockRemoved', blockHashes, medium, ...nothing };
}

const list = (hashes: BigUint64Array | string) =>
  typeof hashes === 'string' ? hashes : [...hashes];

test('a chain told in pieces hashes as one told at once', () => {
  const rehasher = new Rehasher(new RehashBudget());
  assert.deepEqual(list(rehasher.store(stored(1, 2))), own(1, 2));
  assert.deepEqual(list(rehasher.store(stored(1, 3, 2))), own(1, 3).slice(2));
  assert.deepEqual(list(rehasher.store(stored(1, 6, 3))), own(1, 6).slice(3));
  assert.deepEqual(rehasher.settings, ownChain(BLOCK));
});

test('adapters, salts and media are part of the own hash', () => {
  const rehasher = new Rehasher(new RehashBudget());
  const keys: PromptKeys = {
    ...NO_KEYS,
    loraName: 'adp',
    cacheSalt: 's',
    media: [{ identifier: 'img', offset: 2, length: 4 }],
  };
  const extraKeys = [
    ['adp', ['img', 2], 's'],
    ['adp', ['img', -2]],
  ];
  const event = stored(1, 2, 0, { loraId: 7, loraName: 'adp', extraKeys });
  assert.deepEqual(list(rehasher.store(event)), own(1, 2, keys));
  // Before extra_keys, the name alone tells of the adapter.
  const older = stored(2, 2, 0, { loraId: 7, loraName: 'adp', extraKeys: null });
  assert.deepEqual(list(rehasher.store(older)), own(2, 2, { ...NO_KEYS, loraName: 'adp' }));
  const nameless = stored(3, 2, 0, { loraId: 7, extraKeys: null });
  assert.match(String(rehasher.store(nameless)), /does not name its adapter/);
});

test('what cannot be keyed says why and leaves nothing', () => {
  const rehasher = new Rehasher(new RehashBudget());
  rehasher.store(stored(1, 1));
  const cases: readonly [BlockStored, RegExp][] = [
    [stored(2, 3, 1), /parent block unknown/],
    [stored(2, 2, 0, { tokenIds: tokens(2, 4) }), /do not align/],
    [stored(2, 2, 0, { blockSize: 0 }), /do not align/],
    [stored(2, 1, 0, { blockSize: 2, tokenIds: tokens(2, 1).subarray(2) }), /another size/],
    [stored(2, 2, 0, { extraKeys: [null] }), /extra keys and blocks/],
    [stored(2, 2, 0, { tokenIds: new Uint32Array(0) }), /no block seen before/],
  ];
  for (const [event, reason] of cases) assert.match(String(rehasher.store(event)), reason);
  assert.equal(rehasher.size, 1);
});

test('copies are counted in each tier, and a block ends with its last copy', () => {
  const rehasher = new Rehasher(new RehashBudget());
  rehasher.store(stored(1, 1));
  rehasher.store(stored(1, 1));
  const placeholder = { medium: 'CPU', tokenIds: new Uint32Array(0), blockSize: 0 };
  assert.deepEqual(list(rehasher.store(stored(1, 1, 0, placeholder))), own(1, 1));
  assert.deepEqual(list(rehasher.remove(removed(1, 0))), own(1, 1));
  assert.deepEqual(list(rehasher.remove(removed(1, 0))), own(1, 1));
  assert.deepEqual(list(rehasher.remove(removed(1, 0))), []);
  assert.equal(rehasher.size, 1);
  assert.deepEqual(list(rehasher.remove(removed(1, 0, 'cpu'))), own(1, 1));
  assert.equal(rehasher.size, 0);
});

test('clearing a tier keeps blocks that lie in another', () => {
  const rehasher = new Rehasher(new RehashBudget());
  rehasher.store(stored(1, 3));
  rehasher.store(stored(1, 1, 0, { medium: 'CPU' }));
  rehasher.clear(0);
  assert.equal(rehasher.size, 1);
  rehasher.clear(null);
  assert.equal(rehasher.size, 0);
  assert.deepEqual(list(rehasher.store(stored(1, 2))), own(1, 2), 'rows are used again');
});

test('at the bound a run is cut, never left with a hole, and room comes back', () => {
  const budget = new RehashBudget(5);
  const first = new Rehasher(budget);
  const second = new Rehasher(budget);
  first.store(stored(1, 3));
  assert.deepEqual(list(second.store(stored(2, 4))), own(2, 4).slice(0, 2));
  assert.deepEqual(list(second.store(stored(3, 1))), []);
  first.clear(null);
  assert.deepEqual(list(second.store(stored(3, 3))), own(3, 3));
});

test('many blocks come and go without growing', () => {
  const budget = new RehashBudget(3000);
  const rehasher = new Rehasher(budget);
  for (let round = 0; round < 50; round += 1) {
    const run = rehasher.store(stored(round, 90));
    assert.equal(list(run).length, 90);
    if (round < 25) continue;
    for (let block = 0; block < 90; block += 1) rehasher.remove(removed(round - 25, block));
  }
  assert.equal(rehasher.size, 25 * 90);
});
