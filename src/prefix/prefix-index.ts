// One thread's hold on the prefix index: opens it, or attaches to the one another thread opened.
import {
  type IndexOptions,
  type IndexStats,
  type NativePrefixIndex,
  native,
  type Tier,
} from '../native.js';

/** Endpoint slots are integers below this. */
export const maxEndpoints: number = native.maxEndpoints;

/** Numbers of a match for each endpoint: endpoint slot, leading blocks, credit (native.ts). */
export const MATCH_FIELDS = 3;

export class PrefixIndex {
  #native: NativePrefixIndex | null;
  readonly #triples = new Uint32Array(maxEndpoints * MATCH_FIELDS);

  private constructor(index: NativePrefixIndex) {
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
  get native(): NativePrefixIndex {
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

  /** Lets go of the index; a second call does nothing. */
  close(): void {
    this.#native = null;
  }

  get #open(): NativePrefixIndex {
    if (this.#native === null) throw new Error('the prefix index is closed in this thread');
    return this.#native;
  }
}
