// The only file that loads the addon; hand-written types of what it exports.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export type HashAlgorithm = 'sha256_cbor' | 'sha256_cbor_64bit';

/** One chain of block hashes. Every field is checked; a wrong one throws a TypeError naming it. */
export interface BlockHashInput {
  readonly algorithm: HashAlgorithm;
  /** NONE_HASH, the parent of the first block: 32 bytes (16 under xxhash), or 8 big-endian bytes
   * for `sha256_cbor_64bit`. */
  readonly root: Uint8Array;
  readonly blockSizeTokens: number;
  /** Token ids; only full blocks are hashed. BigUint64Array for ids above 2^32 - 1. */
  readonly tokens: Uint32Array | BigUint64Array;
  /** Third element of the hashed tuple, already serialized, for blocks that `extraBlocks` does not
   * name; null when there is none. */
  readonly extraEvery: Uint8Array | null;
  /** Block numbers, ascending, whose third element differs, and those elements. */
  readonly extraBlocks?: Uint32Array;
  readonly extraValues?: readonly Uint8Array[];
  /** Receives the full digests, one after the other, when given. */
  readonly digests?: Uint8Array;
}

export interface IndexStats {
  /** Distinct block hashes held by at least one endpoint. */
  readonly blocks: number;
  readonly bytes: number;
  readonly capacityBlocks: number;
  /** Stores refused because the byte bound was reached. */
  readonly refusedBlocks: number;
}

/** The prefix index: native memory, one writer thread, any number of reading threads. */
export interface NativePrefixIndex {
  /** Process-wide number under which another thread attaches to the same index. */
  readonly id: number;
  /** Records one stored copy of each block; returns how many were recorded. Writer thread only. */
  store(endpoint: number, hashes: BigUint64Array): number;
  /** Takes one copy of each block back; returns how many were known. Writer thread only. */
  remove(endpoint: number, hashes: BigUint64Array): number;
  /** Forgets all blocks of an endpoint. Writer thread only. */
  clear(endpoint: number): void;
  /** Writes pairs (endpoint, leading blocks held) for endpoints that hold at least the first block
   * into `pairs` and returns the number of pairs. Any thread; never waits. */
  match(hashes: BigUint64Array, pairs: Uint32Array): number;
  /** Distinct blocks an endpoint holds. */
  blocksOf(endpoint: number): number;
  stats(): IndexStats;
}

export interface PrefixIndexConstructor {
  new (options: { readonly maxBytes: number }): NativePrefixIndex;
  /** The index with this `id`, from another thread. Throws if there is none. */
  attach(id: number): NativePrefixIndex;
}

export interface Addon {
  /** Which SHA-256 runs on this machine: `sha-ni`, `armv8` or `portable`. */
  sha256Implementation(): string;
  sha256(bytes: Uint8Array): Uint8Array;
  /** Block hashes as the unsigned 64-bit integers that KV events carry. */
  hashBlocks(input: BlockHashInput): BigUint64Array;
  readonly maxEndpoints: number;
  readonly PrefixIndex: PrefixIndexConstructor;
}

const file = fileURLToPath(new URL('../../build/Release/warmpath.node', import.meta.url));
if (!existsSync(file)) {
  throw new Error(`the native addon is missing (${file}): run "npm run build" in the project`);
}
export const native: Addon = createRequire(import.meta.url)(file);
