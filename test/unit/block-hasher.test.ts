import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HASH_ALGORITHMS, type HashAlgorithm, native } from '../../src/native.js';
import {
  BlockChain,
  blockHashInput,
  coarseBlocks,
  digestBytesOf,
  hashPrompt,
  hashPromptFully,
} from '../../src/prefix/block-hasher.js';
import { NO_KEYS, type PromptKeys } from '../../src/prefix/extra-keys.js';
import { rootFromSeed } from '../../src/prefix/hash-root.js';
import { EXTRA_KEY_PROFILES, type HashSettings } from '../../src/prefix/hash-settings.js';
import { naiveHashes } from '../support/naive-hasher.js';
import { seededIntegers } from '../support/random.js';

function settingsFor(algorithm: HashAlgorithm, blockSizeTokens: number): HashSettings {
  return {
    algorithm,
    ...rootFromSeed(algorithm, '42'),
    blockSizeTokens,
    profile: 'main-2026-08-17',
  };
}

function pick<T>(list: readonly T[], random: (bound: number) => number): T {
  const item = list[random(list.length)];
  assert(item !== undefined);
  return item;
}

const WIDTH_EDGES = [0, 23, 24, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const WIDE_EDGES = [
  2n ** 32n,
  2n ** 39n - 1n,
  2n ** 39n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const TEXTS = [
  'a',
  'é',
  '',
  'adapter',
  'sält 🧂',
  'x'.repeat(255),
  'x'.repeat(256),
  'π'.repeat(200),
];

function randomKeys(tokenCount: number, random: (bound: number) => number): PromptKeys {
  const media = Array.from({ length: random(4) }, () => ({
    identifier: pick(TEXTS, random),
    offset: random(tokenCount + 1),
    length: random(100),
  })).sort((a, b) => a.offset - b.offset);
  return {
    loraName: random(2) === 0 ? null : pick(TEXTS, random),
    loraIntId: random(2) === 0 ? null : random(70000),
    cacheSalt: random(2) === 0 ? null : pick(TEXTS, random),
    media,
    promptTokens: random(2) === 0 ? null : random(tokenCount + 1),
    promptEmbeds: random(4) > 0 ? null : { bytes: new Uint8Array(tokenCount * 3), rowBytes: 4 },
  };
}

test('random sequences hash as the naive hasher says, with and without special instructions', () => {
  const seed = Date.now() % 2 ** 31;
  const random = seededIntegers(seed);
  for (let round = 0; round < 150; round++) {
    const algorithm = pick(HASH_ALGORITHMS, random);
    const settings: HashSettings = {
      ...settingsFor(algorithm, 1 + random(40)),
      profile: pick(EXTRA_KEY_PROFILES, random),
    };
    const wide = random(3) === 0;
    const ids = Array.from({ length: random(200) }, () =>
      wide && random(2) === 0
        ? pick(WIDE_EDGES, random)
        : BigInt(random(2) === 0 ? pick(WIDTH_EDGES, random) : random(160000)),
    );
    const tokens = wide ? BigUint64Array.from(ids) : Uint32Array.from(ids, Number);
    const keys = randomKeys(ids.length, random);
    const naive = naiveHashes(ids, settings, keys).map((block) => block.digestHex);
    for (const portable of [false, true]) {
      const digests = new Uint8Array(naive.length * digestBytesOf(algorithm));
      native.hashBlocks({ ...blockHashInput(tokens, settings, keys), digests, portable });
      const message = `seed ${seed}, round ${round}, ${algorithm}, portable ${portable}`;
      assert.equal(Buffer.from(digests).toString('hex'), naive.join(''), message);
    }
  }
});

test('a chain of small integers has parents of every width', () => {
  // Roots of sha256_cbor_64bit whose shortest form has 1, 2, 3, 5 and 9 bytes.
  for (const root of [0n, 23n, 24n, 255n, 256n, 65535n, 65536n, 2n ** 32n - 1n, 2n ** 32n]) {
    const settings: HashSettings = {
      ...settingsFor('sha256_cbor_64bit', 4),
      rootHex: root.toString(16).padStart(16, '0'),
    };
    const tokens = Uint32Array.from({ length: 12 }, (_, i) => i * 1000);
    const naive = naiveHashes([...tokens], settings, NO_KEYS);
    assert.deepEqual(
      [...hashPrompt(tokens, settings)],
      naive.map((block) => BigInt(`0x${block.digestHex}`)),
      `root ${root}`,
    );
  }
});

test('an xxhash chain may begin at a root of 32 bytes', () => {
  for (const algorithm of ['xxhash', 'xxhash_cbor'] as const) {
    const settings = { ...settingsFor(algorithm, 16), rootHex: 'ab'.repeat(32) };
    const tokens = new Uint32Array(48);
    const { digests } = hashPromptFully(tokens, settings);
    const naive = naiveHashes([...tokens], settings, NO_KEYS);
    assert.equal(
      Buffer.from(digests).toString('hex'),
      naive.map((block) => block.digestHex).join(''),
    );
  }
});

test('a partial last block has no hash', () => {
  const settings = settingsFor('sha256_cbor', 16);
  assert.equal(hashPrompt(new Uint32Array(0), settings).length, 0);
  assert.equal(hashPrompt(new Uint32Array(15), settings).length, 0);
  assert.equal(hashPrompt(new Uint32Array(16), settings).length, 1);
  assert.equal(hashPrompt(new Uint32Array(33), settings).length, 2);
});

test('a hash unit below the block size gives the last hash inside each block', () => {
  const fine = settingsFor('sha256', 16);
  const coarse = { ...fine, blockSizeTokens: 48, hashUnitTokens: 16 };
  const tokens = Uint32Array.from({ length: 200 }, (_, i) => i);
  const links = hashPrompt(tokens, fine);
  assert.equal(links.length, 12);
  assert.deepEqual([...hashPrompt(tokens, coarse)], [links[2], links[5], links[8], links[11]]);
  assert.deepEqual(hashPromptFully(tokens, coarse).hashes, links);
});

test('coarse blocks are the last link or all of them, with the same integer', () => {
  const links = hashPromptFully(new Uint32Array(112), settingsFor('sha256_cbor', 16));
  const last = coarseBlocks(links, 3, 'last');
  const all = coarseBlocks(links, 3, 'concatenated');
  assert.deepEqual(last.hashes, all.hashes);
  assert.equal(last.hashes.length, 2);
  assert.deepEqual(last.digests.subarray(32), links.digests.subarray(160, 192));
  assert.deepEqual(all.digests, links.digests.subarray(0, 192));
  assert.equal(all.digestBytes, 96);
});

test('a chain continues from the digest of any of its blocks', () => {
  const settings = settingsFor('xxhash', 16);
  const keys: PromptKeys = {
    ...NO_KEYS,
    loraName: 'l',
    cacheSalt: 's',
    media: [{ identifier: 'm', offset: 40, length: 20 }],
  };
  const tokens = Uint32Array.from({ length: 80 }, (_, i) => i * 7);
  const whole = hashPromptFully(tokens, settings, keys);
  for (let done = 1; done < 5; done++) {
    const digest = whole.digests.slice((done - 1) * 16, done * 16);
    const rest = new BlockChain(settings, keys, { digest, linkCount: done });
    const { hashes } = rest.append(tokens.subarray(done * 16));
    assert.deepEqual(hashes, whole.hashes.slice(done));
    assert.equal(rest.linkCount, 5);
    assert.deepEqual(rest.parent, whole.digests.slice(64));
  }
});

test('a growing chain takes wide token ids after narrow ones', () => {
  const settings = settingsFor('sha256_cbor', 4);
  const chain = new BlockChain(settings);
  assert.equal(chain.append(Uint32Array.of(1, 2)).hashes.length, 0);
  const grown = chain.append(BigUint64Array.of(2n ** 40n, 3n, 4n)).hashes;
  assert.deepEqual(grown, hashPrompt(BigUint64Array.of(1n, 2n, 2n ** 40n, 3n), settings));
  assert.equal(chain.append(Uint32Array.of(5, 6, 7)).hashes.length, 1);
});

test('a salt too long for one pickle frame means no hashes, and is no trouble in CBOR', () => {
  const keys = { ...NO_KEYS, cacheSalt: 's'.repeat(70000) };
  const tokens = new Uint32Array(64);
  assert.equal(hashPrompt(tokens, settingsFor('sha256', 16), keys).length, 0);
  assert.equal(hashPrompt(tokens, settingsFor('sha256_cbor', 16), keys).length, 4);
});

test('each wrong argument of the native hasher is named', () => {
  const good = {
    algorithm: 'sha256_cbor',
    root: new Uint8Array(32),
    blockSizeTokens: 16,
    tokens: new Uint32Array(64),
    extraEvery: null,
  };
  const wrong: [object, RegExp][] = [
    [{ algorithm: 'md5' }, /^TypeError: algorithm: unknown block hash algorithm md5$/],
    [{ algorithm: undefined }, /^TypeError: algorithm: /],
    [{ portable: 1 }, /^TypeError: portable: expected a boolean, got 1$/],
    [{ root: 'ab' }, /^TypeError: root: expected a Uint8Array$/],
    [{ root: new Uint8Array(16) }, /^TypeError: root: 16 bytes do not begin such a chain$/],
    [{ algorithm: 'sha256_cbor_64bit' }, /^TypeError: root: 32 bytes/],
    [{ blockSizeTokens: 0 }, /^TypeError: blockSizeTokens: .*got 0$/],
    [{ blockSizeTokens: 1.5 }, /^TypeError: blockSizeTokens: .*got 1.5$/],
    [{ blockSizeTokens: Number.NaN }, /^TypeError: blockSizeTokens: .*got NaN$/],
    [{ blockSizeTokens: 65537 }, /^TypeError: blockSizeTokens: .*got 65537$/],
    [{ tokens: [1, 2] }, /^TypeError: tokens: expected a Uint32Array or a BigUint64Array$/],
    [{ tokens: new Int32Array(16) }, /^TypeError: tokens: /],
    [{ extraEvery: undefined }, /^TypeError: extraEvery: /],
    [{ extraEvery: new Uint8Array(0) }, /^TypeError: extraEvery: .*instead of no bytes$/],
    [{ extraBlocks: [1] }, /^TypeError: extraBlocks: /],
    [{ extraBlocks: new Uint32Array(1) }, /^TypeError: extraValues: expected an array/],
    [{ extraBlocks: new Uint32Array(1), extraValues: [] }, /^TypeError: extraValues: 0 values/],
    [{ extraValues: [] }, /^TypeError: extraBlocks: /],
    [
      { extraBlocks: Uint32Array.of(4), extraValues: [new Uint8Array(1)] },
      /^TypeError: extraBlocks\[0\]: 4 is past the last block$/,
    ],
    [
      { extraBlocks: Uint32Array.of(1, 1), extraValues: [new Uint8Array(1), new Uint8Array(1)] },
      /^TypeError: extraBlocks\[1\]: 1 does not ascend$/,
    ],
    [
      { extraBlocks: Uint32Array.of(1), extraValues: [new Uint8Array(0)] },
      /^TypeError: extraValues\[0\]: expected a non-empty Uint8Array$/,
    ],
    [{ digests: new Uint8Array(127) }, /^TypeError: digests: expected a Uint8Array of 128 bytes$/],
  ];
  const hash = (...input: unknown[]) => Reflect.apply(native.hashBlocks, native, input);
  assert.doesNotThrow(() => hash(good));
  for (const [change, message] of wrong) {
    assert.throws(() => hash({ ...good, ...change }), message, JSON.stringify(change));
  }
  assert.throws(() => hash(), /^TypeError: input: expected an object/);
  const digest = () => Reflect.apply(native.sha256, native, ['text']);
  assert.throws(digest, /^TypeError: bytes: expected a Uint8Array$/);
});
