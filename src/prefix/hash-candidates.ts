// The ways an engine may hash that are worth trying, likeliest first.
import { HASH_ALGORITHMS, type HashAlgorithm } from '../native.js';
import { DEFAULT_SEED, defaultRoot, type HashRoot, rootFromSeed } from './hash-root.js';

/** What is configured or was discovered about an engine; null: not known. */
export interface ExpectedHashing {
  readonly algorithm: HashAlgorithm | null;
  /** PYTHONHASHSEED; null: not set. */
  readonly seed: string | null;
  readonly blockSizeTokens: number | null;
}

export interface HashCandidate extends HashRoot {
  readonly algorithm: HashAlgorithm;
  /** PYTHONHASHSEED of such an engine; null: not set. */
  readonly seed: string | null;
}

/** Seeds people choose. `random` and the empty text are hashed as they stand, like any other. */
export const COMMON_SEEDS = ['0', '42', '1', '123', '1234', '12345', '2025', '2026', 'random', ''];

/** Candidates in order: as expected, the expected seed and the default under every algorithm, then
 * seeds that are common although not expected. A bounded list: 5 algorithms, 12 roots. */
export function hashCandidates(expected: ExpectedHashing): HashCandidate[] {
  const algorithms =
    expected.algorithm === null
      ? HASH_ALGORITHMS
      : [expected.algorithm, ...HASH_ALGORITHMS.filter((one) => one !== expected.algorithm)];
  const seeds = COMMON_SEEDS.filter((seed) => seed !== expected.seed);
  const likely: (string | null)[] = expected.seed === null ? [null] : [expected.seed, null];
  return [...likely, ...seeds].flatMap((seed) =>
    algorithms.flatMap((algorithm) => candidate(algorithm, seed)),
  );
}

/** Why an engine is not as expected, in words an operator can act on; null when it is. */
export function describeMismatch(
  found: HashCandidate,
  hashUnitTokens: number,
  blockSizeTokens: number,
  expected: ExpectedHashing,
): string | null {
  const differences: string[] = [];
  if (found.seed !== expected.seed) {
    const runs =
      found.seed === null ? 'without PYTHONHASHSEED' : `with PYTHONHASHSEED=${found.seed}`;
    const says = expected.seed === null ? 'has no hashSeed' : `says ${expected.seed}`;
    differences.push(`engine runs ${runs}, config ${says}`);
  }
  if (expected.algorithm !== null && found.algorithm !== expected.algorithm) {
    differences.push(`engine hashes with ${found.algorithm}, config says ${expected.algorithm}`);
  }
  const size = expected.blockSizeTokens;
  if (size !== null && size !== blockSizeTokens && size !== hashUnitTokens) {
    differences.push(`engine announces blocks of ${blockSizeTokens} tokens, config says ${size}`);
  }
  return differences.length === 0 ? null : differences.join('; ');
}

/** The roots are always the same few, and every endpoint's first event asks for them. */
const candidates = new Map<string, HashCandidate[]>();
const CANDIDATES_MAX = 1000;

function candidate(algorithm: HashAlgorithm, seed: string | null): HashCandidate[] {
  const key = `${algorithm}/${seed === null ? DEFAULT_SEED : JSON.stringify(seed)}`;
  const known = candidates.get(key);
  if (known !== undefined) return known;
  const root = seed === null ? defaultRoot(algorithm) : rootFromSeed(algorithm, seed);
  const made = root === null ? [] : [{ algorithm, seed, ...root }];
  if (candidates.size < CANDIDATES_MAX) candidates.set(key, made);
  return made;
}
