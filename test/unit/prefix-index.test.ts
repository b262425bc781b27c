import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TIER } from '../../src/native.js';
import { maxEndpoints, PrefixIndex } from '../../src/prefix/prefix-index.js';
import { NaivePrefixIndex } from '../support/naive-prefix-index.js';
import { runSeed, seededRandom } from '../support/random.js';

const MAX_BYTES = 64 * 1024 * 1024;
const hashes = (...values: (number | bigint)[]) => BigUint64Array.from(values, BigInt);

/** Matches as [endpoint, leading blocks, credit], by endpoint. */
function matches(index: PrefixIndex, request: BigUint64Array): number[][] {
  const triples = index.match(request);
  const rows: number[][] = [];
  for (let i = 0; i < triples.length; i += 3) rows.push([...triples.subarray(i, i + 3)]);
  return rows.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

test('an endpoint is credited for the leading blocks it holds and no further', () => {
  const index = PrefixIndex.open({ maxBytes: MAX_BYTES });
  index.store(3, TIER.gpu, hashes(10, 11, 12, 14));
  index.store(7, TIER.gpu, hashes(10, 12, 13));
  assert.deepEqual(matches(index, hashes(10, 11, 12, 13, 14)), [
    [3, 3, 768],
    [7, 1, 256],
  ]);
  assert.deepEqual(matches(index, hashes(99, 10)), []);
  assert.deepEqual(matches(index, hashes()), []);
  index.close();
});

test('the longest match comes first and a short array takes only that', () => {
  const index = PrefixIndex.open({ maxBytes: MAX_BYTES });
  index.store(1, TIER.gpu, hashes(1));
  index.store(2, TIER.gpu, hashes(1, 2, 3));
  index.store(3, TIER.gpu, hashes(1, 2));
  const triples = new Uint32Array(4);
  assert.equal(index.native.match(hashes(1, 2, 3), triples), 1);
  assert.deepEqual([...triples], [2, 3, 768, 0]);
});

test('a block stored k times is gone after k removals', () => {
  const index = PrefixIndex.open({ maxBytes: MAX_BYTES });
  const block = hashes(5);
  for (let copy = 0; copy < 3; copy++) assert.equal(index.store(0, TIER.gpu, block), 1);
  assert.equal(index.blocksOf(0, TIER.gpu), 1);
  for (let copy = 0; copy < 2; copy++) assert.equal(index.remove(0, TIER.gpu, block), 1);
  assert.deepEqual(matches(index, block), [[0, 1, 256]]);
  assert.equal(index.remove(0, TIER.gpu, block), 1);
  assert.deepEqual(matches(index, block), []);
  assert.equal(index.remove(0, TIER.gpu, block), 0);
});

test('credit takes the best tier of each block', () => {
  const index = PrefixIndex.open({ maxBytes: MAX_BYTES, tierWeights: [1, 0.5, 0.25, 0.125] });
  index.store(9, TIER.storage, hashes(1, 2, 3, 4));
  index.store(9, TIER.cpu, hashes(2, 3));
  index.store(9, TIER.gpu, hashes(3));
  index.store(9, TIER.predicted, hashes(5));
  assert.deepEqual(matches(index, hashes(1, 2, 3, 4, 5)), [[9, 5, 64 + 128 + 256 + 64 + 32]]);
});

test('clearing forgets one tier, or all of them, and the endpoint can store again', () => {
  const index = PrefixIndex.open({ maxBytes: MAX_BYTES });
  index.store(4, TIER.gpu, hashes(1, 2));
  index.store(4, TIER.cpu, hashes(1));
  index.store(5, TIER.gpu, hashes(1, 2));
  index.clear(4, TIER.gpu);
  assert.equal(index.blocksOf(4, TIER.gpu), 0);
  assert.deepEqual(matches(index, hashes(1, 2)), [
    [4, 1, 205],
    [5, 2, 512],
  ]);
  index.store(4, TIER.gpu, hashes(2));
  index.clear(4);
  assert.deepEqual(matches(index, hashes(1, 2)), [[5, 2, 512]]);
  index.store(4, TIER.gpu, hashes(1));
  assert.deepEqual(matches(index, hashes(1, 2)), [
    [4, 1, 256],
    [5, 2, 512],
  ]);
});

test('every 64-bit value is a hash, and every slot below the limit an endpoint', () => {
  const index = PrefixIndex.open({ maxBytes: MAX_BYTES });
  const extremes = hashes(0, 1, 2n ** 63n, 2n ** 64n - 1n, 0x5bd1e9955bd1e995n);
  index.store(maxEndpoints - 1, TIER.gpu, extremes);
  assert.deepEqual(matches(index, extremes), [[maxEndpoints - 1, 5, 1280]]);
  assert.equal(index.stats().blocks, 5);
});

test('wrong arguments are refused by name', () => {
  const index = PrefixIndex.open({ maxBytes: MAX_BYTES });
  assert.throws(
    () => index.store(maxEndpoints, TIER.gpu, hashes(1)),
    /endpoint must be an integer from 0 to 4095, not 4096/,
  );
  assert.throws(() => index.store(0.5, TIER.gpu, hashes(1)), /endpoint must be an integer/);
  assert.throws(() => index.clear(-1), /endpoint must be an integer/);
  assert.throws(
    () => Reflect.apply(index.native.store, index.native, [0, 4, hashes(1)]),
    /tier must be an integer from 0 to 3, not 4/,
  );
  assert.throws(
    () => Reflect.apply(index.native.match, index.native, [[1n], new Uint32Array(3)]),
    /hashes must be a BigUint64Array/,
  );
  assert.throws(
    () => Reflect.apply(index.native.match, index.native, [hashes(1), []]),
    /triples must be a Uint32Array/,
  );
  assert.throws(() => PrefixIndex.open({ maxBytes: 10 }), /maxBytes must be a number from 1048576/);
  assert.throws(
    () => PrefixIndex.open({ maxBytes: MAX_BYTES, tierWeights: [1, 2, 0, 0] }),
    /tierWeights must be four numbers from 0 to 1/,
  );
  assert.throws(() => PrefixIndex.attach(987654), /there is no prefix index with id 987654/);
  index.close();
  assert.throws(() => index.stats(), /the prefix index is closed in this thread/);
});

test('random operations agree with a naive index', () => {
  const unit = seededRandom(runSeed);
  const random = (below: number) => Math.floor(unit() * below);
  const weights = [1, 0.75, 0.5, 0.25] as const;
  const index = PrefixIndex.open({ maxBytes: MAX_BYTES, tierWeights: weights });
  const naive = new NaivePrefixIndex();
  const endpoints = [0, 1, 2, 3, 63, 64, 200, 1000, 2047, 4095];
  const prompts = Array.from({ length: 24 }, (_, prompt) =>
    // Every second prompt shares its first half with the one before it.
    BigUint64Array.from(
      { length: 40 },
      (_, i) => BigInt(i < 20 ? prompt >> 1 : prompt) * 1000n + BigInt(i),
    ),
  );
  const pick = <T>(values: readonly T[]): T => {
    const value = values[random(values.length)];
    assert(value !== undefined);
    return value;
  };
  for (let step = 0; step < 20_000; step++) {
    const endpoint = pick(endpoints);
    const tier = pick(Object.values(TIER));
    const prompt = pick(prompts);
    const from = random(3) === 0 ? random(40) : 0;
    const part = prompt.subarray(from, from + random(41 - from));
    const kind = random(100);
    if (kind < 45) {
      assert.equal(index.store(endpoint, tier, part), part.length);
      naive.store(endpoint, tier, part);
    } else if (kind < 75) {
      assert.equal(index.remove(endpoint, tier, part), naive.remove(endpoint, tier, part));
    } else if (kind < 76) {
      const cleared = random(2) === 0 ? tier : null;
      index.clear(endpoint, cleared);
      naive.clear(endpoint, cleared);
    } else {
      assert.deepEqual(
        matches(index, prompt),
        naive.matches(endpoints, prompt, weights),
        `step ${step}`,
      );
      assert.equal(index.blocksOf(endpoint, tier), naive.blocksOf(endpoint, tier));
    }
  }
  while (index.maintain());
  assert.equal(index.stats().blocks, naive.distinctBlocks());
  assert.equal(index.stats().refusedBlocks, 0);
});

test('the census says how old blocks are and how many hold each', () => {
  const index = PrefixIndex.open({ maxBytes: MAX_BYTES });
  assert.equal(index.census().sampledBlocks, 0);
  index.store(1, TIER.gpu, hashes(1, 2, 3, 4));
  index.store(2, TIER.gpu, hashes(1));
  for (let call = 0; call < 64; call += 1) index.maintain();
  const { sampledBlocks, ageSeconds, holders } = index.census();
  assert.ok(sampledBlocks >= 4);
  assert.deepEqual(ageSeconds[0], { upTo: 60, share: 1 });
  assert.equal(ageSeconds.at(-1)?.upTo, null);
  const [one, two, ...more] = holders.map(({ share }) => share);
  assert.ok(one !== undefined && two !== undefined && one > two && two > 0);
  assert.equal(one + two, 1);
  assert.ok(more.every((share) => share === 0));
  index.close();
});
