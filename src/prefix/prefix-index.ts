// One thread's hold on the prefix index: opens it, or attaches to the one another thread opened.
import {
  CENSUS_AGES,
  CENSUS_HOLDERS,
  type IndexOptions,
  type IndexStats,
  type NativeSnapshotIndex,
  native,
  type Tier,
} from '../native.js';

/** Endpoint slots are integers below this. */
export const maxEndpoints: number = native.maxEndpoints;

/** Numbers of a match for each endpoint: endpoint slot, leading blocks, credit (native.ts). */
export const MATCH_FIELDS = 3;

/** Share of all blocks (0 to 1; all of a list add up to 1) up to a bound; null: above the last. */
export interface CensusShare {
  readonly upTo: number | null;
  readonly share: number;
}

/** What the index is made of, from a running sample of some thousand blocks. */
export interface IndexCensus {
  /** Blocks in the sample; 0: nothing known yet, and all shares are 0. */
  readonly sampledBlocks: number;
  /** By seconds since a block was stored, known to within 5 minutes. While the index is far from its
   * byte bound that is the time it was first stored. */
  readonly ageSeconds: readonly CensusShare[];
  /** By the number of endpoint tiers that hold a block. */
  readonly holders: readonly CensusShare[];
}

export class PrefixIndex {
  #native: NativeSnapshotIndex | null;
  readonly #triples = new Uint32Array(maxEndpoints * MATCH_FIELDS);

  private constructor(index: NativeSnapshotIndex) {
    this.#native = index;
  }

  /** Creates an index. It lives until every thread has closed it, or has ended. */
  static open(options: IndexOptions): PrefixIndex {
    return new PrefixIndex(new native.PrefixIndex(options));
  }

  /** The index that another thread opened; `id` travels in workerData. */
  static attach(id: number): PrefixIndex {
    return new PrefixIndex(native.PrefixIndex.attach(id));
  }

  get id(): number {
    return this.#open.id;
  }

  /** The native object, for the event walker. */
  get native(): NativeSnapshotIndex {
    return this.#open;
  }

  /** Triples (endpoint, leading blocks, credit), longest match first, of the endpoints that hold
   * the first block. The array is reused: read it before the next call. */
  match(hashes: BigUint64Array): Uint32Array {
    const count = this.#open.match(hashes, this.#triples);
    return this.#triples.subarray(0, count * MATCH_FIELDS);
  }

  store(endpoint: number, tier: Tier, hashes: BigUint64Array): number {
    return this.#open.store(endpoint, tier, hashes);
  }

  remove(endpoint: number, tier: Tier, hashes: BigUint64Array): number {
    return this.#open.remove(endpoint, tier, hashes);
  }

  clear(endpoint: number, tier: Tier | null = null): void {
    this.#open.clear(endpoint, tier);
  }

  /** See NativePrefixIndex.maintain. */
  maintain(): boolean {
    return this.#open.maintain();
  }

  blocksOf(endpoint: number, tier: Tier): number {
    return this.#open.blocksOf(endpoint, tier);
  }

  stats(): IndexStats {
    return this.#open.stats();
  }

  /** Costs microseconds; the event thread renews it twice in three seconds or so. */
  census(): IndexCensus {
    const counts = this.#open.census();
    const ages = counts.subarray(0, CENSUS_AGES.length + 1);
    const holders = counts.subarray(ages.length);
    const sampledBlocks = ages.reduce((sum, count) => sum + count, 0);
    const sharesOf = (bounds: readonly number[], blocks: Uint32Array): CensusShare[] =>
      Array.from(blocks, (count, i) => ({
        upTo: bounds[i] ?? null,
        share: count / Math.max(1, sampledBlocks),
      }));
    return {
      sampledBlocks,
      ageSeconds: sharesOf(CENSUS_AGES, ages),
      holders: sharesOf(CENSUS_HOLDERS, holders),
    };
  }

  /** Lets go of the index; a second call does nothing. */
  close(): void {
    this.#native = null;
  }

  get #open(): NativeSnapshotIndex {
    if (this.#native === null) throw new Error('the prefix index is closed in this thread');
    return this.#native;
  }
}
