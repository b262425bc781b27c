// Leading blocks of a request by slot, from whatever can match.
import { maxEndpoints } from '../../../src/prefix/prefix-index.js';

export type Match = (hashes: BigUint64Array, triples: Uint32Array) => number;

export class MatchedSlots {
  private readonly match: Match;
  private readonly triples = new Uint32Array(3 * maxEndpoints);
  private readonly blocks = new Uint32Array(maxEndpoints);

  constructor(match: Match) {
    this.match = match;
  }

  /** The result is reused: read it before the next call. */
  of(hashes: BigUint64Array, slots: readonly number[]): Uint32Array {
    const { blocks, triples } = this;
    for (const slot of slots) blocks[slot] = 0;
    const found = hashes.length === 0 ? 0 : this.match(hashes, triples);
    for (let i = 0; i < found; i += 1) blocks[triples[3 * i] ?? 0] = triples[3 * i + 1] ?? 0;
    return blocks;
  }
}
