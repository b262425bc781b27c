import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PredictedBlocks } from '../../src/prefix/predicted-blocks.js';
import { runSeed, seededRandom } from '../support/random.js';

const HASHES = BigUint64Array.of(11n, 12n, 13n);

test('a prediction is found until it is cancelled', () => {
  const predicted = new PredictedBlocks(1000, () => () => {});
  const { cancel } = predicted.predict(3, HASHES);
  assert.equal(predicted.extension(3, HASHES, 0), 3);
  assert.equal(predicted.extension(3, HASHES, 2), 1);
  assert.equal(predicted.extension(4, HASHES, 0), 0);
  cancel();
  assert.equal(predicted.extension(3, HASHES, 0), 0);
});

test("what an endpoint was about to hold is not its successor's", () => {
  const predicted = new PredictedBlocks(1000, () => () => {});
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
  const seed = runSeed;
  const random = seededRandom(seed);
  const pick = (count: number) => Math.floor(random() * count);
  const predicted = new PredictedBlocks(1000, () => () => {});
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

test('a prediction outlives the first token by its time to live, and no request by more than a minute', () => {
  const timers: { ms: number; callback: () => void }[] = [];
  const predicted = new PredictedBlocks(250, (ms, callback) => {
    const timer = { ms, callback };
    timers.push(timer);
    return () => timers.splice(timers.indexOf(timer), 1);
  });
  const times = () => timers.map(({ ms }) => ms);
  const { settle } = predicted.predict(3, HASHES);
  assert.deepEqual(times(), [60_000]);
  settle();
  assert.deepEqual(times(), [250]);
  assert.equal(predicted.extension(3, HASHES, 0), 3);
  timers[0]?.callback();
  assert.equal(predicted.extension(3, HASHES, 0), 0);
});

test('a time to live of 0 predicts nothing', () => {
  const predicted = new PredictedBlocks(0, () => assert.fail('nothing to end'));
  const { settle, cancel } = predicted.predict(3, HASHES);
  assert.equal(predicted.extension(3, HASHES, 0), 0);
  settle();
  cancel();
});
