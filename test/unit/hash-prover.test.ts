import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HASH_ALGORITHMS, type HashAlgorithm } from '../../src/native.js';
import { coarseBlocks, hashPromptFully } from '../../src/prefix/block-hasher.js';
import { extraKeysOfBlock, NO_KEYS, type PromptKeys } from '../../src/prefix/extra-keys.js';
import type { ExpectedHashing } from '../../src/prefix/hash-candidates.js';
import { type HashProof, proveHashing } from '../../src/prefix/hash-prover.js';
import { defaultRoot, rootFromSeed } from '../../src/prefix/hash-root.js';
import type { ExtraKeyProfile, HashSettings } from '../../src/prefix/hash-settings.js';
import type { StoredRun } from '../../src/prefix/stored-run.js';

const NOTHING_KNOWN: ExpectedHashing = { algorithm: null, seed: null, blockSizeTokens: null };
const SEED_42: ExpectedHashing = { algorithm: 'sha256_cbor', seed: '42', blockSizeTokens: 16 };

function engine(
  algorithm: HashAlgorithm,
  seed: string | null,
  change: Partial<HashSettings> = {},
): HashSettings {
  const root = seed === null ? defaultRoot(algorithm) : rootFromSeed(algorithm, seed);
  assert(root !== null);
  const profile = algorithm === 'sha256_cbor_64bit' ? 'v0.10.0' : 'main-2026-08-17';
  return { algorithm, ...root, blockSizeTokens: 16, profile, ...change };
}

/** The event an engine sends for the first blocks of a sequence. */
function storedBy(
  settings: HashSettings,
  blockCount = 4,
  keys: PromptKeys = NO_KEYS,
  change: Partial<StoredRun> = {},
): StoredRun {
  const { blockSizeTokens, hashUnitTokens = blockSizeTokens, profile } = settings;
  const tokenIds = Uint32Array.from({ length: blockCount * blockSizeTokens }, (_, i) => i * 999);
  const links = hashPromptFully(tokenIds, settings, keys);
  const { hashes } = coarseBlocks(links, blockSizeTokens / hashUnitTokens, 'last');
  return {
    blockHashes: hashes,
    parentBlockHash: null,
    tokenIds,
    blockSize: blockSizeTokens,
    loraId: keys.loraName === null ? null : (keys.loraIntId ?? 1),
    loraName: keys.loraName,
    medium: 'GPU',
    extraKeys: Array.from(hashes, (_, block) =>
      extraKeysOfBlock(keys, profile, blockSizeTokens, block),
    ),
    ...change,
  };
}

function proven(proof: HashProof) {
  assert('proven' in proof, JSON.stringify(proof));
  return proof;
}

function undecidable(proof: HashProof): string {
  assert('undecidable' in proof, JSON.stringify(proof));
  return proof.undecidable;
}

function refuted(proof: HashProof): string {
  assert('refuted' in proof, JSON.stringify(proof));
  return proof.refuted;
}

test('an engine that runs as expected is proven, with its root and profile', () => {
  const settings = engine('sha256_cbor', '42');
  const proof = proven(proveHashing(storedBy(settings), SEED_42));
  assert.deepEqual(proof.proven, settings);
  assert.equal(proof.asExpected, true);
  assert.equal(proof.reason, 'hashes proven: sha256_cbor, seed "42", blocks of 16 tokens');
});

test('every algorithm is found without knowing anything, by a common seed', () => {
  for (const algorithm of HASH_ALGORITHMS) {
    const settings = engine(algorithm, '0');
    assert.deepEqual(proven(proveHashing(storedBy(settings), NOTHING_KNOWN)).proven, settings);
  }
});

test('an engine of vLLM 0.29 without a seed is proven and as expected', () => {
  for (const algorithm of ['sha256', 'sha256_cbor'] as const) {
    const settings = engine(algorithm, null);
    const proof = proven(proveHashing(storedBy(settings), NOTHING_KNOWN));
    assert.deepEqual(proof.proven, settings);
    assert.equal(proof.asExpected, true);
  }
});

test('an engine with another common seed is proven, and the reason names both', () => {
  const proof = proven(proveHashing(storedBy(engine('sha256_cbor', '0')), SEED_42));
  assert.equal(proof.asExpected, false);
  assert.match(proof.reason, /; engine runs with PYTHONHASHSEED=0, config says 42$/);
});

test('each difference from the configuration is in the reason', () => {
  const expected: ExpectedHashing = { algorithm: 'xxhash', seed: '7', blockSizeTokens: 64 };
  const proof = proven(proveHashing(storedBy(engine('sha256', null)), expected));
  assert.match(
    proof.reason,
    /; engine runs without PYTHONHASHSEED, config says 7; engine hashes with sha256, config says xxhash; engine announces blocks of 16 tokens, config says 64$/,
  );
  const unset = proven(proveHashing(storedBy(engine('xxhash', '42')), NOTHING_KNOWN));
  assert.match(unset.reason, /; engine runs with PYTHONHASHSEED=42, config has no hashSeed$/);
});

test('a random root is refuted, and the reason says what was tried', () => {
  const settings = engine('sha256_cbor', '42', { rootHex: '5a'.repeat(32) });
  const reason = refuted(proveHashing(storedBy(settings), SEED_42));
  assert.match(reason, /seed "42", the default seed of vLLM 0.29, 10 common seeds/);
  assert.match(reason, /PYTHONHASHSEED is random or another one$/);
});

test('keys in the event decide the profile', () => {
  const keys: PromptKeys = {
    ...NO_KEYS,
    loraName: 'adapter',
    loraIntId: 5,
    cacheSalt: 'salt',
    media: [{ identifier: 'image', offset: 20, length: 30 }],
  };
  const profiles: ExtraKeyProfile[] = ['main-2026-08-17', 'pre-2026-03-20', 'pre-2025-10-22'];
  for (const profile of profiles) {
    const settings = engine('sha256', '42', { profile });
    const proof = proven(proveHashing(storedBy(settings, 4, keys), SEED_42));
    assert.equal(proof.proven.profile, profile);
    assert.deepEqual(proof.otherProfiles, []);
  }
  const salted = storedBy(engine('sha256', '42'), 4, { ...NO_KEYS, cacheSalt: 's' });
  const proof = proven(proveHashing(salted, SEED_42));
  assert.equal(proof.proven.profile, 'main-2026-08-17');
  assert.deepEqual(proof.otherProfiles, ['pre-2026-03-20']);
});

test('an event that lists no keys is tried with the adapter’s name, then with its number', () => {
  const keys = { ...NO_KEYS, loraName: 'adapter', loraIntId: 5 };
  for (const profile of ['main-2026-08-17', 'pre-2025-10-22'] as const) {
    const settings = engine('sha256', '42', { profile });
    const run = storedBy(settings, 3, keys, { extraKeys: null });
    assert.equal(proven(proveHashing(run, SEED_42)).proven.profile, profile);
  }
  const numbered = engine('sha256_cbor_64bit', '42');
  const run = storedBy(numbered, 3, keys, { extraKeys: null, loraName: null, medium: null });
  assert.deepEqual(proven(proveHashing(run, NOTHING_KNOWN)).proven, numbered);
});

test('an event that lists no keys can hide some, and the verdict says so', () => {
  const settings = engine('sha256_cbor', '42');
  const salted = { ...NO_KEYS, cacheSalt: 'salt' };
  const hidden = storedBy(settings, 3, salted, { extraKeys: null });
  assert.match(refuted(proveHashing(hidden, SEED_42)), /or its request had a salt or media/);
  assert.equal(
    undecidable(proveHashing({ ...hidden, medium: 'CPU' }, SEED_42)),
    'events of tier CPU do not list extra keys',
  );
  const named = storedBy(settings, 3, { ...NO_KEYS, loraName: 'l', loraIntId: 2 });
  assert.equal(
    undecidable(proveHashing({ ...named, loraName: null, extraKeys: null }, SEED_42)),
    'the event does not name adapter 2',
  );
  const image = { ...NO_KEYS, media: [{ identifier: 'i', offset: 40, length: 3 }] };
  assert.match(
    undecidable(proveHashing(storedBy(settings, 4, image, { extraKeys: null }), SEED_42)),
    /block 2 does not: it may have keys that the event does not list$/,
  );
});

test('what an event cannot tell is undecidable', () => {
  const run = storedBy(engine('sha256_cbor', '42'));
  const cases: [Partial<StoredRun>, RegExp][] = [
    [{ tokenIds: new Uint32Array(0), blockSize: 0 }, /carries no tokens/],
    [{ blockHashes: new BigUint64Array(0), extraKeys: null }, /lists no blocks/],
    [{ parentBlockHash: 1n }, /after a block of unknown full digest/],
    [{ blockSize: 0 }, /block size 0 is not/],
    [{ blockSize: 2.5 }, /block size 2.5 is not/],
    [{ blockSize: 70000 }, /block size 70000 is not/],
    [{ tokenIds: new Uint32Array(63) }, /63 tokens are too few for 4 blocks of 16/],
    [{ extraKeys: [null] }, /1 lists of extra keys for 4 blocks/],
    [{ extraKeys: [[1.5], null, null, null] }, /an extra key is neither/],
    [{ extraKeys: [[2n ** 70n], null, null, null] }, /an extra key is neither/],
    [{ extraKeys: [[null], null, null, null] }, /an extra key is neither/],
    [{ tokenIds: new Uint32Array(20000) }, /sparse run of 20000 tokens/],
  ];
  for (const [change, reason] of cases) {
    assert.match(undecidable(proveHashing({ ...run, ...change }, SEED_42)), reason);
  }
});

test('a later block that disagrees refutes the run', () => {
  const run = storedBy(engine('sha256_cbor', '42'));
  const blockHashes = run.blockHashes.slice();
  blockHashes[2] = 1n;
  const reason = refuted(proveHashing({ ...run, blockHashes }, SEED_42));
  assert.equal(reason, 'block 0 hashes with sha256_cbor and seed "42", block 2 does not');
});

test('a block that decode completed is proven although its event lists too many media keys', () => {
  const media = [
    { identifier: 'a', offset: 34, length: 3 },
    { identifier: 'b', offset: 40, length: 3 },
  ];
  const settings = engine('sha256', '42');
  const listed = storedBy(settings, 3, { ...NO_KEYS, loraName: 'l', media });
  const grown = storedBy(settings, 3, { ...NO_KEYS, loraName: 'l', media, promptTokens: 46 });
  assert.notDeepEqual(grown.blockHashes, listed.blockHashes);
  const run = { ...grown, extraKeys: listed.extraKeys };
  assert.deepEqual(proven(proveHashing(run, SEED_42)).proven, settings);
});

test('a sparse run is proven by the blocks it kept', () => {
  const settings = engine('sha256_cbor', '42');
  const keys = { ...NO_KEYS, loraName: 'l' };
  const full = storedBy(settings, 8, keys);
  const sparse = {
    ...full,
    blockHashes: full.blockHashes.slice(5, 7),
    extraKeys: [['l'], ['l']],
  };
  assert.deepEqual(proven(proveHashing(sparse, SEED_42)).proven, settings);

  const reordered = { ...sparse, blockHashes: sparse.blockHashes.slice().reverse() };
  assert.match(undecidable(proveHashing(reordered, SEED_42)), /sparse run leaves out blocks/);
});

test('coarse blocks are proven through the links inside them', () => {
  const settings = engine('sha256', '42', { blockSizeTokens: 96, hashUnitTokens: 32 });
  const keys = { ...NO_KEYS, loraName: 'l', cacheSalt: 's' };
  const run = storedBy(settings, 3, keys);
  const proof = proven(proveHashing(run, { ...SEED_42, algorithm: 'sha256', blockSizeTokens: 32 }));
  assert.deepEqual(proof.proven, settings);
  assert.equal(proof.asExpected, true);

  const image = { ...NO_KEYS, media: [{ identifier: 'i', offset: 4, length: 3 }] };
  assert.match(
    undecidable(proveHashing(storedBy(settings, 3, image), SEED_42)),
    /cannot be shared out/,
  );
});

test('a block too long for one pickle frame rules the pickled algorithms out', () => {
  const run = storedBy(engine('sha256_cbor', '42', { blockSizeTokens: 30000 }), 1);
  const expected: ExpectedHashing = { ...SEED_42, algorithm: 'sha256' };
  assert.equal(proven(proveHashing(run, expected)).proven.algorithm, 'sha256_cbor');
});
