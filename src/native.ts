// The only file that loads the addon; hand-written types of what it exports.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { TokenizerSpec } from './tokenizer-spec.js';

/** vLLM's `--prefix-caching-hash-algo` values that events can carry. */
export const HASH_ALGORITHMS = [
  'sha256_cbor',
  'sha256',
  'xxhash_cbor',
  'xxhash',
  'sha256_cbor_64bit',
] as const;
export type HashAlgorithm = (typeof HASH_ALGORITHMS)[number];

/** One chain of block hashes. Every field is checked; a wrong one throws a TypeError naming it. */
export interface BlockHashInput {
  readonly algorithm: HashAlgorithm;
  /** Parent of the first block, usually NONE_HASH: 32 bytes (16 inside an xxhash chain), or 8
   * big-endian bytes for `sha256_cbor_64bit`. */
  readonly root: Uint8Array;
  readonly blockSizeTokens: number;
  /** Token ids; only full blocks are hashed. BigUint64Array for ids above 2^32 - 1. */
  readonly tokens: Uint32Array | BigUint64Array;
  /** Third element of the hashed tuple, already serialized in the algorithm's format, for blocks
   * that `extraBlocks` does not name; null when there is none. */
  readonly extraEvery: Uint8Array | null;
  /** Block numbers, ascending, whose third element differs, and those elements. */
  readonly extraBlocks?: Uint32Array;
  readonly extraValues?: readonly Uint8Array[];
  /** Receives the full digests, one after the other, when given: 32, 16 or, for
   * `sha256_cbor_64bit`, 8 bytes a block. */
  readonly digests?: Uint8Array;
  /** Use no special instructions of this machine. For tests and benchmarks. */
  readonly portable?: boolean;
  /** Look runs of blocks up among those that any thread has hashed with this flag. Ids above
   * 2^32 - 1 and digests are never looked up. */
  readonly cached?: boolean;
}

/** How the block hashes of a text are chained. */
export interface PromptHashInput
  extends Pick<
    BlockHashInput,
    'algorithm' | 'root' | 'blockSizeTokens' | 'extraEvery' | 'extraValues'
  > {
  /** Of single blocks only the first may have keys of its own. */
  readonly extraBlocks?: Uint32Array;
}

/** Where a block lies, in the order of the native code: a match credits nearer tiers more. */
export const TIER = { gpu: 0, cpu: 1, storage: 2, predicted: 3 } as const;
export type Tier = (typeof TIER)[keyof typeof TIER];

export interface IndexStats {
  /** Distinct block hashes held by at least one endpoint. */
  readonly blocks: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** Stores refused, and blocks given up, because the byte bound was reached. */
  readonly refusedBlocks: number;
}

/** The prefix index: native memory, read by any thread without waiting; threads that write take
 * turns (one event thread is the rule). A block is known by the 64-bit integer that KV events
 * carry. Copies are counted per (endpoint, tier, hash): k stores need k removals. */
export interface NativePrefixIndex {
  /** Process-wide number under which another thread attaches to the same index. */
  readonly id: number;
  /** Records one stored copy of each block; returns how many were recorded. `parent` is the block
   * before the first, if there is one: at the byte bound it tells tails of prompts from heads. */
  store(endpoint: number, tier: Tier, hashes: BigUint64Array, parent?: bigint | null): number;
  /** Takes one copy of each block back; returns how many were known. */
  remove(endpoint: number, tier: Tier, hashes: BigUint64Array): number;
  /** Forgets all blocks of an endpoint in one tier, or in all (null): matches that begin later give
   * it no credit. `stats` may count its blocks until later calls (or `maintain`) have swept them. */
  clear(endpoint: number, tier: Tier | null): void;
  /** Does up to about half a millisecond of pending work (growing, sweeping, freeing); true if some
   * is left. Every store and remove does its share, so only an idle writer needs to call it. */
  maintain(): boolean;
  /** Writes triples (endpoint, leading blocks held in any tier, credit), longest match first, for
   * endpoints that hold at least the first block into `triples`, as many as it has room for, and
   * returns their number. Credit is the sum over the leading blocks of 256 x the weight of the best
   * tier each lies in. Never waits. */
  match(hashes: BigUint64Array, triples: Uint32Array): number;
  /** Distinct blocks an endpoint holds in a tier. */
  blocksOf(endpoint: number, tier: Tier): number;
  stats(): IndexStats;
  /** Sampled counts of blocks: by age (CENSUS_AGES and one more), then by holders (CENSUS_HOLDERS
   * and one more). `maintain` takes the samples. */
  census(): Uint32Array;
}

/** Snapshots of an index, in slices between which writing goes on (native/core/prefix_index_snapshot.h
 * has their form). One may be written and one taken in at a time. */
export interface NativeSnapshotIndex extends NativePrefixIndex {
  /** False: one is being written already. */
  beginExport(): boolean;
  /** Takes half a millisecond at most. `last`: call finishExport next. null: too much has changed
   * meanwhile, the export is over. */
  exportSlice(): { readonly slice: Uint8Array; readonly last: boolean } | null;
  /** The rest. The snapshot is the index as it is now. */
  finishExport(): Uint8Array;
  cancelExport(): void;
  /** `endpoints[e]`: who endpoint e of the snapshot is here; maxEndpoints or more: nobody. */
  beginImport(blocks: number, endpoints: Uint16Array): void;
  /** Why the slice cannot be read, or null. */
  importSlice(slice: Uint8Array): string | null;
  endImport(): void;
}

/** Upper bounds of the census of an index, as in native/core/index_census.h: seconds since a block was
 * stored, and endpoint tiers that hold it. */
export const CENSUS_AGES: readonly number[] = [60, 600, 3600, 14_400, 36_000];
export const CENSUS_HOLDERS: readonly number[] = [1, 2, 4, 16, 64, 256];

export interface IndexOptions {
  /** At least 2^20. */
  readonly maxBytes: number;
  /** Weight of gpu, cpu, storage, predicted in a match's credit, 0 to 1; 1, 0.8, 0.5, 0.75 unless
   * given. */
  readonly tierWeights?: readonly [number, number, number, number];
}

export interface PrefixIndexConstructor {
  new (options: IndexOptions): NativeSnapshotIndex;
  /** The index with this `id`, from another thread. Throws if there is none. */
  attach(id: number): NativeSnapshotIndex;
}

/** What `applyEvents` writes about a batch, by place in its array of counts. */
export const EVENT_COUNT = {
  /** Unix time in seconds, by the engine's clock. */
  timestamp: 0,
  /** Data-parallel rank of the batch; -1: none. */
  rank: 1,
  /** Events from here on, up to `ignored`. */
  stored: 2,
  removed: 3,
  cleared: 4,
  /** Not what they claim to be. */
  malformed: 5,
  /** Of another rank or a group that is not followed, or with a tag that is new to us. */
  ignored: 6,
  /** Keys that are new to us, in events that are not. */
  unknownFields: 7,
  /** Blocks that the index recorded, and blocks it knew that were removed. */
  storedBlocks: 8,
  removedBlocks: 9,
  /** Removals among the malformed: what they took away is not known. */
  lostRemovals: 10,
  /** Stores from the start of a prompt, with their tokens: how many have keys, and the largest block
   * size among them, in tokens. */
  keyedRoots: 11,
  rootBlockSize: 12,
} as const;
/** Length of an array of counts. */
export const EVENT_COUNTS = 13;
/** Length of an array of followed groups: one bit for each of 256. */
export const EVENT_GROUP_WORDS = 8;

/** Texts, or runs of blocks, looked up among those tokenized or hashed before, over all threads. */
export interface SegmentCacheStats {
  readonly hits: number;
  readonly misses: number;
  /** Bytes found, and not found. */
  readonly hitBytes: number;
  readonly missedBytes: number;
  /** Memory taken so far. */
  readonly bytes: number;
}

/** A tokenizer of this thread over tables that all threads share. */
export interface NativeEncoder {
  /** Token ids of a text; bytes are UTF-8, and what is not counts as U+FFFD. Throws a RangeError
   * above 1 GiB. */
  encode(text: string | Uint8Array, addSpecialTokens: boolean): Uint32Array;
  /** Text of tokens, special ones included; unknown ids are left out. */
  decode(ids: Uint32Array): string;
  /** Id of the token written so in tokenizer.json. Searches all tokens: not for every request. */
  tokenId(token: string): number | null;
  /** Hashes of the full blocks of the texts joined together, without added special tokens; counts[0]
   * becomes their tokens. What they share with the beginning of an earlier prompt is looked up.
   * null, and next to nothing done, when more than `newBytesMax` bytes of UTF-8 follow that. Throws as
   * hashBlocks does, and a RangeError above 1 GiB. */
  hashPrompt(
    texts: readonly string[],
    input: PromptHashInput,
    newBytesMax: number,
    counts: Uint32Array,
  ): BigUint64Array | null;
  stats(): TokenizerCacheStats;
}

export interface TokenizerCacheStats {
  /** Texts to token ids. */
  readonly texts: SegmentCacheStats;
  /** Parts of prompts to block hashes. */
  readonly prompts: SegmentCacheStats;
}

export interface NativeEncoderConstructor {
  /** Opens the tables under `key`. If no thread holds them, `build` is called for their contents,
   * while other threads that open the same key wait. Throws a TypeError that says why tables
   * cannot reproduce the tokenizer. */
  new (key: string, build: () => TokenizerSpec): NativeEncoder;
}

export interface Addon {
  /** Writes JSON as a tape (native/core/json_tape.h has its form) and returns its words; 0 when the
   * text is not JSON or not UTF-8, or has what the tape cannot say; -1 when the tape is too short.
   * Throws a TypeError when the text has more than `maxJsonBytes`, or `unescaped` less room than
   * the text takes and `jsonUnescapeSlack` bytes more. */
  readJson(text: Uint8Array, tape: Uint32Array, unescaped: Uint8Array): number;
  /** What the kind `known` of a tape refers to. */
  readonly knownJsonTexts: readonly string[];
  readonly jsonUnescapeSlack: number;
  readonly maxJsonBytes: number;
  /** Which SHA-256 runs on this machine: `sha-ni`, `armv8` or `portable`. */
  sha256Implementation(): string;
  sha256(bytes: Uint8Array): Uint8Array;
  /** XXH3 with 128 bits, canonical (big-endian) digest. */
  xxh3_128(bytes: Uint8Array): Uint8Array;
  /** Block hashes as the unsigned 64-bit integers that KV events carry. Throws a RangeError when a
   * block pickles to 64 KiB or more, which takes a huge block or key. */
  hashBlocks(input: BlockHashInput): BigUint64Array;
  hashCacheStats(): SegmentCacheStats;
  /** The exact bytes that hashBlocks hashes for each block. For tests. */
  blockPreimages(input: BlockHashInput): Uint8Array[];
  readonly maxEndpoints: number;
  readonly PrefixIndex: PrefixIndexConstructor;
  /** Applies one event batch of an engine (msgpack as it came, array or map form) to the index, and
   * returns null, or why the batch cannot be read, in which case nothing was applied. With a `rank`,
   * batches of other ranks are ignored. `groups` says which KV cache groups of the endpoint the index
   * follows; it starts as zeros and belongs to the endpoint until the engine restarts. */
  applyEvents(
    index: NativePrefixIndex,
    endpoint: number,
    rank: number | null,
    payload: Uint8Array,
    groups: Uint32Array,
    counts: Float64Array,
  ): string | null;
  readonly Tokenizer: NativeEncoderConstructor;
}

const file = fileURLToPath(new URL('../../build/Release/warmpath.node', import.meta.url));
if (!existsSync(file)) {
  throw new Error(`the native addon is missing (${file}): run "npm run build" in the project`);
}
export const native: Addon = createRequire(import.meta.url)(file);
