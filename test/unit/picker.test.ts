import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPicker } from '../../src/scheduler/picker.js';
import { runSeed, seededRandom } from '../support/random.js';

const OUT = Number.NEGATIVE_INFINITY;

function picks(type: Parameters<typeof createPicker>[0], totals: number[], rounds = 20_000) {
  const seed = runSeed;
  const random = seededRandom(seed);
  const picker = createPicker(type);
  const counts = totals.map(() => 0);
  const order = new Uint32Array(totals.length);
  for (let i = 0; i < rounds; i += 1) {
    picker(Float64Array.from(totals), random, order);
    assert.equal(new Set(order).size, totals.length, `order repeats, seed ${seed}`);
    const first = order[0] ?? 0;
    counts[first] = (counts[first] ?? 0) + 1;
  }
  return { shares: counts.map((count) => count / rounds), seed };
}

function assertShares(actual: { shares: number[]; seed: number }, expected: number[]) {
  for (const [i, share] of expected.entries()) {
    // Six standard deviations at most: a chance failure is one in a hundred million.
    const wide = 6 * Math.sqrt((share * (1 - share)) / 20_000);
    const got = actual.shares[i] ?? 0;
    assert.ok(Math.abs(got - share) <= wide, `${i}: ${got} is not ${share}, seed ${actual.seed}`);
  }
}

test('the highest total wins and the order goes down from it', () => {
  const order = new Uint32Array(3);
  const tied = createPicker('max-score-picker')(Float64Array.of(1, 3, 2, 0), () => 0.5, order);
  assert.deepEqual([...order], [1, 2, 0]);
  assert.equal(tied, 1);
});

test('exact ties are drawn evenly, near ties are not', () => {
  assertShares(picks('max-score-picker', [2, 2, 2 - 1e-12, 2]), [1 / 3, 1 / 3, 0, 1 / 3]);
});

test('a filtered candidate comes last, and alone it is still tried', () => {
  const order = new Uint32Array(3);
  createPicker('max-score-picker')(Float64Array.of(OUT, 0, OUT), () => 0.5, order);
  assert.equal(order[0], 1);
  for (const type of ['weighted-random-picker', 'random-picker'] as const) {
    assertShares(picks(type, [OUT, 0]), [0, 1]);
  }
  assertShares(picks('max-score-picker', [OUT, OUT]), [0.5, 0.5]);
});

test('the weighted picker draws in proportion to the totals', () => {
  assertShares(picks('weighted-random-picker', [1, 3, 0]), [0.25, 0.75, 0]);
  assertShares(picks('weighted-random-picker', [0, 0]), [0.5, 0.5]);
});

test('weights far below 1 still draw in proportion', () => {
  assertShares(picks('weighted-random-picker', [1e-6, 3e-6]), [0.25, 0.75]);
});

test('the random picker ignores the totals', () => {
  assertShares(picks('random-picker', [5, 0, 1, 9]), [0.25, 0.25, 0.25, 0.25]);
});
