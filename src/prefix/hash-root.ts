// NONE_HASH: the parent of a sequence's first block, one for all requests of an engine.
import { type HashAlgorithm, native } from '../native.js';
import { encodeCbor, encodePickle } from './python-encoder.js';

/** Seed text of vLLM 0.29 and newer when PYTHONHASHSEED is not set. */
export const DEFAULT_SEED = 'vllm-none-hash';

/** NONE_HASH and where it comes from, as HashSettings carries them. */
export interface HashRoot {
  readonly rootHex: string;
  readonly rootName: string;
}

/** Root of engines that run with PYTHONHASHSEED=`seed`. The text counts: "0" differs from "00". */
export function rootFromSeed(algorithm: HashAlgorithm, seed: string): HashRoot {
  return { rootHex: hashText(algorithm, seed), rootName: `seed ${JSON.stringify(seed)}` };
}

/** Root of engines of vLLM 0.29 and newer without PYTHONHASHSEED; null where it is random. */
export function defaultRoot(algorithm: HashAlgorithm): HashRoot | null {
  if (algorithm !== 'sha256' && algorithm !== 'sha256_cbor') return null;
  return {
    rootHex: hashText(algorithm, DEFAULT_SEED),
    rootName: 'default seed of vLLM 0.29',
  };
}

/** A root known by its bytes. REQUIRES: lower case, as many digits as rootDigitsOf allows. */
export function givenRoot(hex: string): HashRoot {
  return { rootHex: hex, rootName: 'given root' };
}

/** Hex digits a root may have. A random one has 32 bytes even where the chain has 16. */
export function rootDigitsOf(algorithm: HashAlgorithm): readonly number[] {
  if (algorithm === 'sha256_cbor_64bit') return [16];
  return algorithm.startsWith('xxhash') ? [32, 64] : [64];
}

function hashText(algorithm: HashAlgorithm, text: string): string {
  switch (algorithm) {
    case 'sha256':
      return hex(native.sha256(encodePickle(text)));
    case 'sha256_cbor':
      return hex(native.sha256(encodeCbor(text)));
    case 'sha256_cbor_64bit':
      return hex(native.sha256(encodeCbor(text)).subarray(-8));
    case 'xxhash':
      return hex(native.xxh3_128(encodePickle(text)));
    case 'xxhash_cbor':
      return hex(native.xxh3_128(encodeCbor(text)));
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
