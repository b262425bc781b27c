// Random numbers from a seed that a failing test prints.

/** Numbers in [0, 1); the same sequence for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** Seed of this run: WARMPATH_TEST_SEED repeats another one. */
export const runSeed = Number(process.env['WARMPATH_TEST_SEED'] ?? Date.now() % 2 ** 31);
