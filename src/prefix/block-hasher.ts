// Token ids to block hashes, equal to what an engine with the same settings announces.
import { type HashAlgorithm, native } from '../native.js';
import { NO_KEYS, type PromptKeys, serializeKeys } from './extra-keys.js';
import type { HashSettings } from './hash-settings.js';

/** Token ids; the wide form only for ids above 2^32 - 1. */
export type TokenIds = Uint32Array | BigUint64Array;

/** A chain at full width. */
export interface BlockDigests {
  /** The integers KV events carry, one a block. */
  readonly hashes: BigUint64Array;
  /** The digests, one after the other. */
  readonly digests: Uint8Array;
  /** Bytes of one digest: 32, 16 or 8. */
  readonly digestBytes: number;
}

export function digestBytesOf(algorithm: HashAlgorithm): number {
  if (algorithm === 'sha256_cbor_64bit') return 8;
  return algorithm.startsWith('xxhash') ? 16 : 32;
}

/** Hashes of the full blocks of a prompt, as KV events carry them. */
export function hashPrompt(
  tokens: TokenIds,
  settings: HashSettings,
  keys: PromptKeys = NO_KEYS,
): BigUint64Array {
  return native.hashBlocks(blockHashInput(tokens, settings, keys));
}

/** The same with full digests. */
export function hashPromptFully(
  tokens: TokenIds,
  settings: HashSettings,
  keys: PromptKeys = NO_KEYS,
): BlockDigests {
  return hashFully(tokens, settings, keys, Buffer.from(settings.rootHex, 'hex'), 0);
}

/** Input of the native hasher for a prompt, or for the part of one that follows `parent`. */
export function blockHashInput(
  tokens: TokenIds,
  settings: HashSettings,
  keys: PromptKeys,
  parent: Uint8Array = Buffer.from(settings.rootHex, 'hex'),
  firstBlock = 0,
) {
  const { algorithm, blockSizeTokens, profile } = settings;
  const blockCount = Math.floor(tokens.length / blockSizeTokens);
  return {
    algorithm,
    root: parent,
    blockSizeTokens,
    tokens,
    ...serializeKeys(keys, algorithm, profile, blockSizeTokens, firstBlock, blockCount),
  };
}

/** A sequence that grows: an engine's request while it decodes, or a chain continued from a block
 * whose digest is known. */
export class BlockChain {
  readonly #settings: HashSettings;
  readonly #keys: PromptKeys;
  #parent: Uint8Array;
  #blockCount: number;
  /** Tokens of the block that is not full yet. */
  #tail: TokenIds = new Uint32Array(0);

  /** @param parent digest of the block before, and how many blocks lie before the next one. */
  constructor(
    settings: HashSettings,
    keys: PromptKeys = NO_KEYS,
    parent: { readonly digest: Uint8Array; readonly blockCount: number } | null = null,
  ) {
    this.#settings = settings;
    this.#keys = keys;
    this.#parent = parent?.digest ?? Buffer.from(settings.rootHex, 'hex');
    this.#blockCount = parent?.blockCount ?? 0;
  }

  get blockCount(): number {
    return this.#blockCount;
  }

  /** Digest of the last full block; the root before the first. */
  get parent(): Uint8Array {
    return this.#parent;
  }

  /** Adds tokens and returns the blocks that they completed. */
  append(tokens: TokenIds): BlockDigests {
    const all = this.#tail.length === 0 ? tokens : joined(this.#tail, tokens);
    const blocks = hashFully(all, this.#settings, this.#keys, this.#parent, this.#blockCount);
    const count = blocks.hashes.length;
    this.#tail = all.slice(count * this.#settings.blockSizeTokens);
    this.#blockCount += count;
    if (count > 0) this.#parent = blocks.digests.slice(-blocks.digestBytes);
    return blocks;
  }
}

function hashFully(
  tokens: TokenIds,
  settings: HashSettings,
  keys: PromptKeys,
  parent: Uint8Array,
  firstBlock: number,
): BlockDigests {
  const digestBytes = digestBytesOf(settings.algorithm);
  const blockCount = Math.floor(tokens.length / settings.blockSizeTokens);
  const digests = new Uint8Array(blockCount * digestBytes);
  const input = blockHashInput(tokens, settings, keys, parent, firstBlock);
  return { hashes: native.hashBlocks({ ...input, digests }), digests, digestBytes };
}

function joined(first: TokenIds, second: TokenIds): TokenIds {
  if (first instanceof Uint32Array && second instanceof Uint32Array) {
    const all = new Uint32Array(first.length + second.length);
    all.set(first);
    all.set(second, first.length);
    return all;
  }
  return BigUint64Array.from([...first, ...second], BigInt);
}
