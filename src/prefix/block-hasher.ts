// Token ids to block hashes, equal to what an engine with the same settings announces.
import {
  type BlockHashInput,
  type HashAlgorithm,
  native,
  type PromptHashInput,
} from '../native.js';
import { NO_KEYS, type PromptKeys, serializeKeys } from './extra-keys.js';
import { type HashSettings, hashUnitOf } from './hash-settings.js';

/** Token ids; the wide form only for ids above 2^32 - 1. */
export type TokenIds = Uint32Array | BigUint64Array;

/** A chain, or part of one, at full width. */
export interface BlockDigests {
  /** The integers KV events carry. */
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

/** Hashes of the full blocks of a prompt, as KV events carry them; what the prompt shares with
 * earlier ones is looked up. None when a key of the request
 * is so long (64 KiB) that the engine's pickle has a form we do not reproduce: no match then. */
export function hashPrompt(
  tokens: TokenIds,
  settings: HashSettings,
  keys: PromptKeys = NO_KEYS,
): BigUint64Array {
  try {
    const input = blockHashInput(tokens, settings, keys);
    const links = native.hashBlocks({ ...input, cached: true });
    return everyNth(links, linksPerBlock(settings));
  } catch (error) {
    if (error instanceof RangeError) return new BigUint64Array(0);
    throw error;
  }
}

/** For a prompt that is hashed from its text: NativeEncoder.hashPrompt gives the links. */
export function promptHashInput(settings: HashSettings, keys: PromptKeys): PromptHashInput {
  const { algorithm, profile, rootHex } = settings;
  const unit = hashUnitOf(settings);
  // Of the keys a text can have, only the first block has more than the others.
  return {
    algorithm,
    root: Buffer.from(rootHex, 'hex'),
    blockSizeTokens: unit,
    ...serializeKeys(numbered(keys, settings), algorithm, profile, unit, 0, 1),
  };
}

/** Blocks of the links that `promptHashInput` gave. */
export function blocksOfLinks(links: BigUint64Array, settings: HashSettings): BigUint64Array {
  return everyNth(links, linksPerBlock(settings));
}

/** Every link of a prompt's chain: one a block, or one a hash unit where that is less. */
export function hashPromptFully(
  tokens: TokenIds,
  settings: HashSettings,
  keys: PromptKeys = NO_KEYS,
): BlockDigests {
  return hashLinks(tokens, settings, keys, Buffer.from(settings.rootHex, 'hex'), 0);
}

/** How vLLM makes the hash of a block from the links inside it: since v0.24 it is the last one,
 * before that their concatenation. The integers in events are the same either way. */
export type CoarseRule = 'last' | 'concatenated';

/** Blocks of `linksPerBlock` links each; links left over belong to no full block. */
export function coarseBlocks(
  links: BlockDigests,
  linksPerBlock: number,
  rule: CoarseRule,
): BlockDigests {
  const hashes = everyNth(links.hashes, linksPerBlock);
  const linkBytes = links.digestBytes;
  const digestBytes = rule === 'last' ? linkBytes : linkBytes * linksPerBlock;
  const digests = new Uint8Array(hashes.length * digestBytes);
  for (let block = 0; block < hashes.length; block++) {
    const end = (block + 1) * linksPerBlock * linkBytes;
    digests.set(links.digests.subarray(end - digestBytes, end), block * digestBytes);
  }
  return { hashes, digests, digestBytes };
}

/** Input of the native hasher for a prompt, or for the part of one that follows `firstLink` links,
 * the last of which is `parent`. */
export function blockHashInput(
  tokens: TokenIds,
  settings: HashSettings,
  keys: PromptKeys,
  parent: Uint8Array = Buffer.from(settings.rootHex, 'hex'),
  firstLink = 0,
): BlockHashInput {
  const { algorithm, profile } = settings;
  const unit = hashUnitOf(settings);
  const linkCount = Math.floor(tokens.length / unit);
  return {
    algorithm,
    root: parent,
    blockSizeTokens: unit,
    tokens,
    ...serializeKeys(numbered(keys, settings), algorithm, profile, unit, firstLink, linkCount),
  };
}

/** A sequence that grows: an engine's request while it decodes, or a chain continued from a link
 * whose digest is known. Counts links, which are blocks unless the settings have a hash unit. */
export class BlockChain {
  readonly #settings: HashSettings;
  readonly #keys: PromptKeys;
  #parent: Uint8Array;
  #linkCount: number;
  /** Tokens of the link that is not full yet. */
  #tail: TokenIds = new Uint32Array(0);

  /** @param parent digest of the link before, and how many lie before the next one. */
  constructor(
    settings: HashSettings,
    keys: PromptKeys = NO_KEYS,
    parent: { readonly digest: Uint8Array; readonly linkCount: number } | null = null,
  ) {
    this.#settings = settings;
    this.#keys = keys;
    this.#parent = parent?.digest ?? Buffer.from(settings.rootHex, 'hex');
    this.#linkCount = parent?.linkCount ?? 0;
  }

  get linkCount(): number {
    return this.#linkCount;
  }

  /** Digest of the last link; the root before the first. */
  get parent(): Uint8Array {
    return this.#parent;
  }

  /** Adds tokens and returns the links that they completed. */
  append(tokens: TokenIds): BlockDigests {
    const all = this.#tail.length === 0 ? tokens : joined(this.#tail, tokens);
    const links = hashLinks(all, this.#settings, this.#keys, this.#parent, this.#linkCount);
    const count = links.hashes.length;
    this.#tail = all.slice(count * hashUnitOf(this.#settings));
    this.#linkCount += count;
    if (count > 0) this.#parent = links.digests.slice(-links.digestBytes);
    return links;
  }
}

function hashLinks(
  tokens: TokenIds,
  settings: HashSettings,
  keys: PromptKeys,
  parent: Uint8Array,
  firstLink: number,
): BlockDigests {
  const digestBytes = digestBytesOf(settings.algorithm);
  const linkCount = Math.floor(tokens.length / hashUnitOf(settings));
  const digests = new Uint8Array(linkCount * digestBytes);
  const input = blockHashInput(tokens, settings, keys, parent, firstLink);
  return { hashes: native.hashBlocks({ ...input, digests }), digests, digestBytes };
}

/** With the number that such an engine has given the adapter. */
function numbered(keys: PromptKeys, { adapters }: HashSettings): PromptKeys {
  if (adapters === undefined || keys.loraName === null || keys.loraIntId !== null) return keys;
  const place = adapters.indexOf(keys.loraName);
  return place === -1 ? keys : { ...keys, loraIntId: place + 1 };
}

function linksPerBlock(settings: HashSettings): number {
  return settings.blockSizeTokens / hashUnitOf(settings);
}

/** Elements n - 1, 2n - 1 and so on. */
function everyNth(links: BigUint64Array, n: number): BigUint64Array {
  if (n === 1) return links;
  const blocks = new BigUint64Array(Math.floor(links.length / n));
  for (let block = 0; block < blocks.length; block++) {
    blocks[block] = links[(block + 1) * n - 1] ?? 0n;
  }
  return blocks;
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
