// Expected roots were printed by vLLM’s init_none_hash.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HashAlgorithm } from '../../src/native.js';
import { defaultRoot, rootDigitsOf, rootFromSeed } from '../../src/prefix/hash-root.js';

test('a seed’s root is the hash of its text', () => {
  const cases: [HashAlgorithm, string, string][] = [
    ['sha256_cbor', '0', '4e1195df020de59e0d65a33a4279f1183e7ae4e5d980e309f8b55adff2e61c3e'],
    ['sha256', '42', 'c0bc02c9fc92a4944335649961b9e55cc41b194bece4801e8c6ef0f0f3f5884a'],
    ['xxhash_cbor', '0', '1ebe36576dcb573f26b99533a20aaeca'],
    ['xxhash', '42', 'b6cdd80ea04b31ad0b9fc22fff500882'],
    ['sha256_cbor_64bit', '0', 17921330210090130494n.toString(16)],
  ];
  for (const [algorithm, seed, rootHex] of cases) {
    assert.deepEqual(rootFromSeed(algorithm, seed), { rootHex, rootName: `seed "${seed}"` });
    assert.equal(rootDigitsOf(algorithm).includes(rootHex.length), true);
  }
  assert.notEqual(rootFromSeed('sha256', '0').rootHex, rootFromSeed('sha256', '00').rootHex);
});

test('only the sha256 algorithms of today have a root without a seed', () => {
  assert.equal(
    defaultRoot('sha256_cbor')?.rootHex,
    '9bd96a485ad84efdafb72ee48a1d7a69bcead0f8f0433173941b276b9581eef0',
  );
  assert.equal(
    defaultRoot('sha256')?.rootHex,
    '066b1e8987e027138e98701c46128929378935f9b6cd1549105ae6b4f0d71198',
  );
  assert.equal(defaultRoot('xxhash'), null);
  assert.equal(defaultRoot('xxhash_cbor'), null);
  assert.equal(defaultRoot('sha256_cbor_64bit'), null);
});
