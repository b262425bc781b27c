// The prefix index as a map of counters: the oracle of the native one, and what event tests look at.
import {
  CENSUS_AGES,
  CENSUS_HOLDERS,
  type IndexStats,
  type NativePrefixIndex,
  type Tier,
} from '../../src/native.js';

export class NaivePrefixIndex implements NativePrefixIndex {
  readonly id = 0;
  readonly #copies = new Map<string, number>();

  store(endpoint: number, tier: Tier, hashes: BigUint64Array): number {
    for (const hash of hashes) {
      const key = `${endpoint}/${tier}/${hash}`;
      this.#copies.set(key, (this.#copies.get(key) ?? 0) + 1);
    }
    return hashes.length;
  }

  remove(endpoint: number, tier: Tier, hashes: BigUint64Array): number {
    let known = 0;
    for (const hash of hashes) {
      const key = `${endpoint}/${tier}/${hash}`;
      const copies = this.#copies.get(key) ?? 0;
      if (copies > 0) known += 1;
      if (copies > 1) this.#copies.set(key, copies - 1);
      else this.#copies.delete(key);
    }
    return known;
  }

  clear(endpoint: number, tier: Tier | null): void {
    const start = tier === null ? `${endpoint}/` : `${endpoint}/${tier}/`;
    for (const key of this.#copies.keys()) if (key.startsWith(start)) this.#copies.delete(key);
  }

  maintain(): boolean {
    return false;
  }

  match(): number {
    throw new Error('the naive index answers with matches');
  }

  /** [endpoint, leading blocks, credit] of these endpoints, those that hold the first block. */
  matches(
    endpoints: readonly number[],
    request: BigUint64Array,
    weights: readonly number[],
  ): number[][] {
    const rows: number[][] = [];
    for (const endpoint of endpoints) {
      let leading = 0;
      let credit = 0;
      for (const hash of request) {
        const rates = weights
          .filter((_, tier) => this.#copies.has(`${endpoint}/${tier}/${hash}`))
          .map((weight) => Math.round(weight * 256));
        if (rates.length === 0) break;
        leading += 1;
        credit += Math.max(...rates);
      }
      if (leading > 0) rows.push([endpoint, leading, credit]);
    }
    return rows;
  }

  blocksOf(endpoint: number, tier: Tier): number {
    return this.hashesOf(endpoint, tier).length;
  }

  /** Hashes of an endpoint's blocks in a tier, ascending. */
  hashesOf(endpoint: number, tier: Tier): bigint[] {
    const start = `${endpoint}/${tier}/`;
    return [...this.#copies.keys()]
      .filter((key) => key.startsWith(start))
      .map((key) => BigInt(key.slice(start.length)))
      .sort((a, b) => (a < b ? -1 : 1));
  }

  /** Hashes that some endpoint holds in some tier. */
  distinctBlocks(): number {
    return new Set([...this.#copies.keys()].map((key) => key.slice(key.lastIndexOf('/')))).size;
  }

  /** Copies of one block. */
  copiesOfBlock(endpoint: number, tier: Tier, hash: bigint): number {
    return this.#copies.get(`${endpoint}/${tier}/${hash}`) ?? 0;
  }

  /** All copies of all blocks of an endpoint. */
  copiesOf(endpoint: number): number {
    let copies = 0;
    for (const [key, count] of this.#copies) if (key.startsWith(`${endpoint}/`)) copies += count;
    return copies;
  }

  /** It takes no samples. */
  census(): Uint32Array {
    return new Uint32Array(CENSUS_AGES.length + CENSUS_HOLDERS.length + 2);
  }

  stats(): IndexStats {
    return { blocks: this.#copies.size, bytes: 0, maxBytes: 0, refusedBlocks: 0 };
  }
}
