import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PredictedBlocks } from '../../src/prefix/predicted-blocks.js';
import { freshSeed, seededRandom } from '../support/candidates.js';

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

test('whatever was asked before, an answer is that of the predictions that hold now', () => {
  const seed = freshSeed();
  const random = seededRandom(seed);
  const pick = (count: number) => Math.floor(random() * count);
  const predicted = new PredictedBlocks(() => () => {});
  const chains = Array.from({ length: 3 }, (_, chain) =>
    BigUint64Array.from({ length: 6 }, (_, block) => BigInt(chain * 100 + block + 1)),
  );
  const held: { slot: number; hashes: BigUint64Array; cancel(): void }[] = [];
  for (let i = 0; i < 3000; i += 1) {
    const chain = chains[pick(3)] ?? HASHES;
    const slot = pick(4);
    if (random() < 0.1) {
      const hashes = chain.subarray(pick(6));
      held.push({ slot, hashes, ...predicted.predict(slot, hashes) });
    }
    if (random() < 0.1) held.splice(pick(held.length), 1)[0]?.cancel();
    const known = new Set(
      held.filter((one) => one.slot === slot).flatMap(({ hashes }) => [...hashes]),
    );
    const from = pick(7);
    let blocks = 0;
    while (from + blocks < 6 && known.has(chain[from + blocks] ?? 0n)) blocks += 1;
    assert.equal(predicted.extension(slot, chain, from), blocks, `seed ${seed}, step ${i}`);
  }
});
