// Self-proof: finds the settings under which an engine's own announcement hashes to what it says.
// No match with an engine is exact before this has succeeded once.
import { native } from '../native.js';
import { encodeExtraKeys } from './extra-keys.js';
import {
  COMMON_SEEDS,
  describeMismatch,
  type ExpectedHashing,
  type HashCandidate,
  hashCandidates,
} from './hash-candidates.js';
import type { ExtraKeyProfile, HashSettings } from './hash-settings.js';
import type { PythonValue } from './python-encoder.js';
import {
  decodeTailKeys,
  hasOnlyHashableKeys,
  isSparse,
  linkKeysOf,
  type ProfileGroup,
  profileGroupsOf,
  type StoredRun,
} from './stored-run.js';

export type HashProof =
  | {
      /** Settings that reproduce every hash of the run. */
      readonly proven: HashSettings;
      /** Further profiles that reproduce it as well: a run without keys does not tell them apart. */
      readonly otherProfiles: readonly ExtraKeyProfile[];
      /** One sentence; says what differs from the configuration when something does. */
      readonly reason: string;
      readonly asExpected: boolean;
    }
  /** No known settings reproduce the run. Another run may still be proven: see `reason`. */
  | { readonly refuted: string }
  /** This run cannot tell. */
  | { readonly undecidable: string };

/** Bounds of one proof. A run that keeps only far-apart blocks is hashed from its start for every
 * candidate, so it may not be long; 1024 links to a block is 16384 tokens at 16. */
const SPARSE_TOKENS_MAX = 16384;
const LINKS_PER_BLOCK_MAX = 1024;
const BLOCK_TOKENS_MAX = 65536;
/** Chain units to try for blocks that may be coarser, besides the configured one. */
const COMMON_UNITS = [16, 32, 64, 128, 256];

interface Attempt {
  readonly candidate: HashCandidate;
  /** Tokens a link of the chain covers. */
  readonly unit: number;
  readonly profiles: ProfileGroup;
  readonly keys: readonly (readonly PythonValue[] | null)[];
}

/** Pure. Takes 60 us when all is as expected, 0.5 ms when nothing fits, 10 ms for huge blocks. */
export function proveHashing(run: StoredRun, expected: ExpectedHashing): HashProof {
  const obstacle = findObstacle(run);
  if (obstacle !== null) return { undecidable: obstacle };
  const candidates = hashCandidates(expected);
  let hidden: string | null = null;
  for (const unit of unitsOf(run, expected)) {
    for (const profiles of profileGroupsOf(run)) {
      const links = linkKeysOf(run, run.blockSize / unit, profiles[0]);
      if ('unknown' in links) {
        hidden = links.unknown;
        continue;
      }
      for (const candidate of candidates) {
        if (isIntegerChain(candidate) !== (profiles[0] === 'v0.10.0')) continue;
        const attempt = { candidate, unit, profiles, keys: links.keys };
        if (fitsFirstBlock(run, attempt)) return judgeWholeRun(run, attempt, expected);
      }
    }
  }
  return hidden === null ? explainFailure(run, expected) : { undecidable: hidden };
}

function findObstacle(run: StoredRun): string | null {
  const { blockHashes, blockSize, tokenIds, extraKeys } = run;
  if (tokenIds.length === 0) return 'the event carries no tokens';
  if (blockHashes.length === 0) return 'the event lists no blocks';
  if (run.parentBlockHash !== null) return 'the run begins after a block of unknown full digest';
  if (!Number.isInteger(blockSize) || blockSize < 1 || blockSize > BLOCK_TOKENS_MAX) {
    return `block size ${blockSize} is not an integer from 1 to ${BLOCK_TOKENS_MAX}`;
  }
  if (tokenIds.length < blockHashes.length * blockSize) {
    return `${tokenIds.length} tokens are too few for ${blockHashes.length} blocks of ${blockSize}`;
  }
  if (extraKeys !== null && extraKeys.length !== blockHashes.length) {
    return `${extraKeys.length} lists of extra keys for ${blockHashes.length} blocks`;
  }
  if (!hasOnlyHashableKeys(run)) return 'an extra key is neither text, integer, bytes nor list';
  if (isSparse(run) && tokenIds.length > SPARSE_TOKENS_MAX) {
    return `a sparse run of ${tokenIds.length} tokens is too long to search`;
  }
  return null;
}

/** Tokens a link may cover: the whole block, as in most engines, then what divides it. */
function unitsOf({ blockSize }: StoredRun, { blockSizeTokens }: ExpectedHashing): number[] {
  const finer = [blockSizeTokens ?? blockSize, ...COMMON_UNITS].filter(
    (unit) => unit < blockSize && blockSize % unit === 0 && blockSize / unit <= LINKS_PER_BLOCK_MAX,
  );
  return [...new Set([blockSize, ...finer])];
}

function isIntegerChain({ algorithm }: HashCandidate): boolean {
  return algorithm === 'sha256_cbor_64bit';
}

/** One block rules a candidate out: 64 bits do not agree by chance. */
function fitsFirstBlock(run: StoredRun, attempt: Attempt): boolean {
  if (isSparse(run)) return firstMisfit(run, attempt) === null;
  const links = hashLinks(run, attempt, run.blockSize / attempt.unit);
  return links.length > 0 && links.at(-1) === run.blockHashes[0];
}

function judgeWholeRun(run: StoredRun, attempt: Attempt, expected: ExpectedHashing): HashProof {
  const { candidate, unit, profiles } = attempt;
  const misfit = firstMisfit(run, attempt);
  if (misfit !== null && !fitsAsDecodeTail(run, attempt, misfit)) {
    const what = `block 0 hashes with ${candidate.algorithm} and ${candidate.rootName}, block ${misfit} does not`;
    return run.extraKeys === null
      ? { undecidable: `${what}: it may have keys that the event does not list` }
      : { refuted: what };
  }
  const mismatch = describeMismatch(candidate, unit, run.blockSize, expected);
  const found = `${candidate.algorithm}, ${candidate.rootName}, blocks of ${run.blockSize} tokens`;
  return {
    proven: {
      algorithm: candidate.algorithm,
      rootHex: candidate.rootHex,
      rootName: candidate.rootName,
      blockSizeTokens: run.blockSize,
      ...(unit === run.blockSize ? {} : { hashUnitTokens: unit }),
      profile: profiles[0],
    },
    otherProfiles: profiles.slice(1),
    reason: `hashes proven: ${found}${mismatch === null ? '' : `; ${mismatch}`}`,
    asExpected: mismatch === null,
  };
}

/** First listed block that the attempt does not reproduce; null when it reproduces them all. In a
 * sparse run the listed blocks are some of the chain, in order. */
function firstMisfit(run: StoredRun, attempt: Attempt): number | null {
  const linksPerBlock = run.blockSize / attempt.unit;
  const links = hashLinks(run, attempt, attempt.keys.length);
  const sparse = isSparse(run);
  let end = 0;
  for (const [block, hash] of run.blockHashes.entries()) {
    do end += linksPerBlock;
    while (sparse && end < links.length && links[end - 1] !== hash);
    if (links[end - 1] !== hash) return block;
  }
  return null;
}

function fitsAsDecodeTail(run: StoredRun, attempt: Attempt, block: number): boolean {
  if (attempt.unit !== run.blockSize || isSparse(run)) return false;
  const keys = decodeTailKeys(run, attempt.keys[block] ?? []);
  if (keys === null) return false;
  return firstMisfit(run, { ...attempt, keys: attempt.keys.with(block, keys) }) === null;
}

/** The first links of the run's chain; none when they cannot be hashed. */
function hashLinks(run: StoredRun, attempt: Attempt, count: number): BigUint64Array {
  const { candidate, unit, keys } = attempt;
  const extraBlocks: number[] = [];
  const extraValues: Uint8Array[] = [];
  for (let link = 0; link < count; link++) {
    const list = keys[link] ?? null;
    if (list === null || list.length === 0) continue;
    const before = extraValues.at(-1);
    const repeats = before !== undefined && keys[link - 1] === list;
    extraBlocks.push(link);
    extraValues.push(repeats ? before : encodeExtraKeys(list, candidate.algorithm));
  }
  try {
    return native.hashBlocks({
      algorithm: candidate.algorithm,
      root: Buffer.from(candidate.rootHex, 'hex'),
      blockSizeTokens: unit,
      tokens: run.tokenIds.subarray(0, count * unit),
      extraEvery: null,
      extraBlocks: Uint32Array.from(extraBlocks),
      extraValues,
    });
  } catch (error) {
    // The block is too long for one pickle frame, so no engine can have announced this hash.
    if (error instanceof RangeError) return new BigUint64Array(0);
    throw error;
  }
}

function explainFailure(run: StoredRun, expected: ExpectedHashing): HashProof {
  if (run.extraKeys === null) {
    if (run.medium !== null && run.medium.toUpperCase() !== 'GPU') {
      return { undecidable: `events of tier ${run.medium} do not list extra keys` };
    }
    if (run.loraId !== null && run.loraName === null) {
      return { undecidable: `the event does not name adapter ${run.loraId}` };
    }
  }
  if (isSparse(run)) {
    return { undecidable: 'a sparse run leaves out blocks that may have extra keys' };
  }
  const seeds = [
    ...(expected.seed === null ? [] : [`seed ${JSON.stringify(expected.seed)}`]),
    'the default seed of vLLM 0.29',
    `${COMMON_SEEDS.length} common seeds`,
  ];
  const keys =
    run.extraKeys === null
      ? ', or its request had a salt or media, which this engine does not list'
      : '';
  return {
    refuted: `block 0 hashes with no known algorithm under ${seeds.join(', ')}: the engine's PYTHONHASHSEED is random or another one${keys}`,
  };
}
