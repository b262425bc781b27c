import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPromptFully } from '../../src/prefix/block-hasher.js';
import { NO_KEYS } from '../../src/prefix/extra-keys.js';
import { defaultRoot } from '../../src/prefix/hash-root.js';
import type { HashSettings } from '../../src/prefix/hash-settings.js';
import { hashesOf, IdSequence } from '../../src/sim/block-sequence.js';
import { TokenSequence } from '../../src/sim/token-sequence.js';

const BLOCK = 4;
const root = defaultRoot('sha256_cbor');
assert.ok(root);
const settings: HashSettings = {
  ...root,
  algorithm: 'sha256_cbor',
  blockSizeTokens: BLOCK,
  profile: 'main-2026-08-17',
};

test('ids serve as hashes, whole and in part', () => {
  const ids = BigUint64Array.of(1n, 2n ** 64n - 1n, 3n);
  const sequence = new IdSequence(ids, 13, BLOCK);
  assert.deepEqual([...hashesOf(sequence, 0, 3)], [...ids]);
  assert.deepEqual([...hashesOf(sequence, 1, 2)], [2n ** 64n - 1n]);
});

test('generated blocks have hashes that no trace and no other sequence has', () => {
  const ids = BigUint64Array.of(1n);
  const grow = () => {
    const sequence = new IdSequence(ids, 6, BLOCK);
    for (let i = 0; i < 400; i += 1) sequence.append(0);
    return sequence;
  };
  const [a, b] = [grow(), grow()];
  assert.equal(a.blockCount, Math.floor(406 / BLOCK));
  const generated = [a, b].flatMap((sequence) => [...hashesOf(sequence, 1, sequence.blockCount)]);
  assert.equal(new Set(generated).size, 2 * (a.blockCount - 1));
  assert.ok(generated.every((hash) => hash >= 2n ** 63n));
  assert.deepEqual([...ids], [1n]);
});

test('tokens that are appended one by one hash as if given at once', () => {
  const keys = { ...NO_KEYS, loraName: 'adapter', cacheSalt: 'salt' };
  const tokens = Uint32Array.from({ length: 403 }, (_, i) => (i * 7919) % 150_000);
  const { hashes, digests } = hashPromptFully(tokens, settings, keys);
  for (const promptTokens of [1, 4, 5, 400]) {
    const sequence = new TokenSequence(tokens.slice(0, promptTokens), settings, keys);
    const early = hashesOf(sequence, 0, sequence.blockCount);
    const earlyCopy = [...early];
    for (const token of tokens.subarray(promptTokens)) sequence.append(token);
    assert.deepEqual(hashesOf(sequence, 0, sequence.blockCount), hashes);
    assert.deepEqual([...early], earlyCopy);
    assert.deepEqual(
      Buffer.from(sequence.digestOf(99)),
      Buffer.from(digests.slice(99 * 32, 100 * 32)),
    );
    assert.deepEqual(sequence.tokensOf(1, 3), tokens.subarray(4, 12));
    assert.deepEqual(sequence.extraKeysOf(0), ['adapter', 'salt']);
    assert.deepEqual(sequence.extraKeysOf(7), ['adapter']);
  }
});
