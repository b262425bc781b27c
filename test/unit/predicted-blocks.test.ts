import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PredictedBlocks } from '../../src/prefix/predicted-blocks.js';

const HASHES = BigUint64Array.of(11n, 12n, 13n);

test('a prediction is found until it is cancelled', () => {
  const predicted = new PredictedBlocks(() => () => {});
  const { cancel } = predicted.predict(3, HASHES);
  assert.equal(predicted.extension(3, HASHES, 0), 3);
  assert.equal(predicted.extension(3, HASHES, 2), 1);
  assert.equal(predicted.extension(4, HASHES, 0), 0);
  cancel();
  assert.equal(predicted.extension(3, HASHES, 0), 0);
});

test("what an endpoint was about to hold is not its successor's", () => {
  const predicted = new PredictedBlocks(() => () => {});
  const old = predicted.predict(3, HASHES);
  predicted.forget(3);
  assert.equal(predicted.extension(3, HASHES, 0), 0);
  const next = predicted.predict(3, HASHES);
  // The old request ends only now: the same blocks are the new tenant's.
  old.cancel();
  assert.equal(predicted.extension(3, HASHES, 0), 3);
  next.cancel();
  assert.equal(predicted.extension(3, HASHES, 0), 0);
});
