// Block hashes the slow way: whole preimages from the general encoders, digests from libraries that
// the router does not use. The oracle of the native hasher.
import { createHash } from 'node:crypto';
import xxhash from 'xxhash-addon';
import { extraKeysOfBlock, type PromptKeys } from '../../src/prefix/extra-keys.js';
import type { HashSettings } from '../../src/prefix/hash-settings.js';
import { encodeCbor, encodePickle, type PythonValue } from '../../src/prefix/python-encoder.js';

export interface NaiveBlock {
  readonly preimageHex: string;
  readonly digestHex: string;
}

export function naiveHashes(
  tokens: readonly (number | bigint)[],
  settings: HashSettings,
  keys: PromptKeys,
): NaiveBlock[] {
  const { algorithm, blockSizeTokens, profile } = settings;
  const asInteger = algorithm === 'sha256_cbor_64bit';
  const pickles = algorithm === 'sha256' || algorithm === 'xxhash';
  const blocks: NaiveBlock[] = [];
  let parent: Buffer = Buffer.from(settings.rootHex, 'hex');
  for (let block = 0; (block + 1) * blockSizeTokens <= tokens.length; block++) {
    const triple: PythonValue = [
      asInteger ? parent.readBigUInt64BE() : parent,
      tokens.slice(block * blockSizeTokens, (block + 1) * blockSizeTokens),
      extraKeysOfBlock(keys, profile, blockSizeTokens, block),
    ];
    const preimage = pickles ? encodePickle(triple) : encodeCbor(triple);
    const digest = algorithm.startsWith('xxhash') ? xxh3(preimage) : sha256(preimage);
    parent = asInteger ? digest.subarray(-8) : digest;
    blocks.push({
      preimageHex: Buffer.from(preimage).toString('hex'),
      digestHex: parent.toString('hex'),
    });
  }
  return blocks;
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function xxh3(bytes: Uint8Array): Buffer {
  return xxhash.XXHash128.hash(Buffer.from(bytes));
}
