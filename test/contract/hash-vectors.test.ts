// Block hashes equal those that vLLM's own code produced. Never skipped.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { native } from '../../src/native.js';
import {
  BlockChain,
  blockHashInput,
  coarseBlocks,
  digestBytesOf,
  hashPrompt,
  hashPromptFully,
} from '../../src/prefix/block-hasher.js';
import { extraKeysOfBlock } from '../../src/prefix/extra-keys.js';
import { rootFromSeed } from '../../src/prefix/hash-root.js';
import {
  chainHexOf,
  type HashVector,
  type HashVectorFile,
  keysOf,
  readHashVectorFiles,
  settingsOf,
  tokensOf,
} from '../support/hash-vectors.js';
import { naiveHashes } from '../support/naive-hasher.js';

const files = readHashVectorFiles();

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function digestsHex(digests: Uint8Array, digestBytes: number): string[] {
  const count = digests.length / digestBytes;
  return Array.from({ length: count }, (_, i) =>
    hex(digests.subarray(i * digestBytes, (i + 1) * digestBytes)),
  );
}

/** One test a file; `check` sees every vector of it. */
function forEveryVector(
  fact: string,
  check: (vector: HashVector, file: HashVectorFile) => void,
): void {
  for (const file of files) {
    test(`${fact}: ${file.file}`, () => {
      for (const vector of file.vectors) check(vector, file);
    });
  }
}

test('all golden files are there, with 202 vectors and 1565 blocks', () => {
  const vectors = files.flatMap((file) => file.vectors);
  assert.equal(files.length, 7);
  assert.equal(vectors.length, 202);
  assert.equal(
    vectors.reduce((sum, vector) => sum + vector.event_ints.length, 0),
    1565,
  );
  assert.equal(vectors.filter((vector) => vector.coarse !== undefined).length, 5);
});

forEveryVector('the root of a seed is vLLM’s', (vector, file) => {
  if (vector.seed === null) return;
  const { rootHex } = rootFromSeed(file.algo, vector.seed);
  assert.equal(rootHex, settingsOf(file, vector).rootHex, vector.name);
});

forEveryVector('the extra keys of every block are vLLM’s', (vector, file) => {
  const keys = keysOf(vector);
  const built = vector.extra_keys.map((_, block) =>
    extraKeysOfBlock(keys, file.profile, vector.block_size, block),
  );
  assert.deepEqual(built, vector.extra_keys, vector.name);
});

forEveryVector('the bytes hashed are vLLM’s', (vector, file) => {
  const input = blockHashInput(tokensOf(vector), settingsOf(file, vector), keysOf(vector));
  const expected = vector.first_preimages_hex ?? [];
  const preimages = native.blockPreimages(input).slice(0, expected.length).map(hex);
  assert.deepEqual(preimages, expected, vector.name);
});

forEveryVector('the chain is vLLM’s, one hash a full block', (vector, file) => {
  const { digests, digestBytes } = hashPromptFully(
    tokensOf(vector),
    settingsOf(file, vector),
    keysOf(vector),
  );
  const chain = digestsHex(digests, digestBytes);
  assert.deepEqual(chain, chainHexOf(vector), vector.name);
  assert.equal(chain.length, Math.floor(vector.token_ids.length / vector.block_size));
});

forEveryVector('the integers of events are vLLM’s', (vector, file) => {
  const settings = settingsOf(file, vector);
  const hashes = hashPrompt(tokensOf(vector), settings, keysOf(vector));
  assert.deepEqual([...hashes].map(String), vector.event_ints, vector.name);
});

forEveryVector('coarse blocks are vLLM’s under the rule of its version', (vector, file) => {
  const { coarse } = vector;
  if (coarse === undefined) return;
  const settings = settingsOf(file, vector);
  const links = hashPromptFully(tokensOf(vector), settings, keysOf(vector));
  const rule = file.profile === 'main-2026-08-17' ? 'last' : 'concatenated';
  const blocks = coarseBlocks(links, coarse.target_block_size / vector.block_size, rule);
  assert.deepEqual(digestsHex(blocks.digests, blocks.digestBytes), coarse.hashes_hex);
  assert.deepEqual([...blocks.hashes].map(String), coarse.event_ints);

  const asAnnounced = {
    ...settings,
    blockSizeTokens: coarse.target_block_size,
    hashUnitTokens: vector.block_size,
  };
  assert.deepEqual(hashPrompt(tokensOf(vector), asAnnounced, keysOf(vector)), blocks.hashes);
});

forEveryVector('token ids in 32 bits hash as those in 64 do', (vector, file) => {
  const settings = settingsOf(file, vector);
  const narrow = Uint32Array.from(vector.token_ids);
  const wide = BigUint64Array.from(narrow, BigInt);
  const keys = keysOf(vector);
  assert.deepEqual(hashPrompt(narrow, settings, keys), hashPrompt(wide, settings, keys));
});

forEveryVector('a sequence grown token by token has the same chain', (vector, file) => {
  const chain = new BlockChain(settingsOf(file, vector), keysOf(vector));
  const grown: string[] = [];
  for (const token of tokensOf(vector)) {
    const { digests, digestBytes } = chain.append(BigUint64Array.of(token));
    grown.push(...digestsHex(digests, digestBytes));
  }
  assert.deepEqual(grown, chainHexOf(vector), vector.name);
});

forEveryVector('the naive hasher agrees with the native one', (vector, file) => {
  const settings = settingsOf(file, vector);
  const keys = keysOf(vector);
  const naive = naiveHashes(vector.token_ids, settings, keys);
  assert.deepEqual(
    naive.map((block) => block.digestHex),
    chainHexOf(vector),
    vector.name,
  );
  const preimages = native.blockPreimages(blockHashInput(tokensOf(vector), settings, keys));
  assert.deepEqual(
    naive.map((block) => block.preimageHex),
    preimages.map(hex),
    vector.name,
  );
});

forEveryVector('without special instructions the chain is the same', (vector, file) => {
  const settings = settingsOf(file, vector);
  const digests = new Uint8Array(vector.event_ints.length * digestBytesOf(settings.algorithm));
  native.hashBlocks({
    ...blockHashInput(tokensOf(vector), settings, keysOf(vector)),
    digests,
    portable: true,
  });
  const chain = digestsHex(digests, digestBytesOf(settings.algorithm));
  assert.deepEqual(chain, chainHexOf(vector), vector.name);
});
