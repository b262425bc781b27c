// Random numbers from a seed that a failing test prints (mulberry32).

/** Numbers in [0, 1); the same sequence for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Integers in [0, bound), for a bound given with each call. */
export function seededIntegers(seed: number): (bound: number) => number {
  const random = seededRandom(seed);
  return (bound) => Math.floor(random() * bound);
}

/** Seed of this run: WARMPATH_TEST_SEED repeats another one. */
export const runSeed = Number(process.env['WARMPATH_TEST_SEED'] ?? Date.now() % 2 ** 31);

process.once('exit', (code) => {
  if (code !== 0) console.log(`WARMPATH_TEST_SEED=${runSeed}`);
});
