// The prefix index as a map of counters: the oracle of the native one, and what event tests look at.
import type { IndexStats, NativePrefixIndex, Tier } from '../../src/native.js';

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
    throw new Error('the naive index is only written');
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

  /** All copies of all blocks of an endpoint. */
  copiesOf(endpoint: number): number {
    let copies = 0;
    for (const [key, count] of this.#copies) if (key.startsWith(`${endpoint}/`)) copies += count;
    return copies;
  }

  stats(): IndexStats {
    return { blocks: this.#copies.size, bytes: 0, maxBytes: 0, refusedBlocks: 0 };
  }
}
