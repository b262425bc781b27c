import assert from 'node:assert/strict';
import test from 'node:test';
import { RunsPrompt, SegmentPrompt } from '../../bench/fleet/prompt-blocks.js';
import { splitMixModulo } from '../../bench/fleet/split-mix.js';
import { runSeed, seededRandom } from '../support/random.js';

const MASK = 2n ** 64n - 1n;

/** As published, in integers of any length. */
function splitMix64(value: bigint): bigint {
  let x = (value + 0x9e3779b97f4a7c15n) & MASK;
  x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return x ^ (x >> 31n);
}

test('splitmix64 in numbers is splitmix64 in bigints', () => {
  assert.equal(splitMix64(0n), 0xe220a8397b1dcdafn);
  const seed = runSeed;
  const random = seededRandom(seed);
  for (let i = 0; i < 20_000; i += 1) {
    const value = Math.floor(random() * 2 ** (1 + Math.floor(random() * 53)));
    const modulus = 2 + Math.floor(random() * (2 ** 21 - 2));
    const expected = Number(splitMix64(BigInt(value)) % BigInt(modulus));
    assert.equal(splitMixModulo(value, modulus), expected, `${value} mod ${modulus}, seed ${seed}`);
  }
});

const source = { vocabulary: 151_643, answers: new Map<number, Uint32Array>() };

test('a recorded prompt has the tokens that other replayers give it', () => {
  const prompt = new RunsPrompt(Uint32Array.of(0, 1, 14, 2), 512, 1500, 2 ** 31 - 1);
  const tokens = prompt.tokens(source);
  assert.equal(tokens.length, 1500);
  assert.deepEqual([...tokens.subarray(0, 4)], [38_498, 117_543, 65_937, 145_137]);
  assert.deepEqual([...tokens.subarray(512, 514)], [51_732, 97_892]);
});

test('equal block hashes and equal tokens go together', () => {
  const one = new SegmentPrompt([
    [7, 100],
    [8, 60],
  ]);
  const other = new SegmentPrompt([
    [7, 100],
    [9, 60],
  ]);
  const [a, b] = [one.tokens(source), other.tokens(source)];
  assert.deepEqual(a.subarray(0, 100), b.subarray(0, 100));
  assert.notDeepEqual(a.subarray(100, 112), b.subarray(100, 112));
  const [hashes, others] = [one.hashes(16), other.hashes(16)];
  const equal = hashes.findIndex((hash, i) => hash !== others[i]);
  // The block that holds token 100 differs.
  assert.equal(equal, 6);
  const tail = new RunsPrompt(Uint32Array.of(3, 2), 64, 150, 99);
  const longer = new RunsPrompt(Uint32Array.of(3, 3), 64, 192, 98);
  assert.deepEqual(tail.tokens(source).subarray(0, 128), longer.tokens(source).subarray(0, 128));
});

test('a prompt repeats the answer that was given, as far as it went', () => {
  const prompt = new SegmentPrompt([
    [1, 20],
    [2, 10],
    [3, 5],
  ]);
  const answers = new Map([[2, Uint32Array.of(11, 12, 13)]]);
  const [plain, told] = [prompt.tokens(source), prompt.tokens({ ...source, answers })];
  assert.deepEqual([...told.subarray(20, 23)], [11, 12, 13]);
  told.set(plain.subarray(20, 23), 20);
  assert.deepEqual(told, plain);
});
