// HotPrefixes: the prefixes that requests were matched by most of late.

export interface HotPrefix {
  readonly blockCount: number;
  readonly blockSizeTokens: number;
  /** Requests matched by it, faded by age. */
  readonly weight: number;
  readonly idleMs: number;
  /** Its chain, to look up who holds it now. */
  readonly hashes: BigUint64Array;
}

interface Entry {
  readonly hashes: BigUint64Array;
  readonly blockSizeTokens: number;
  weight: number;
  asOfMs: number;
}

/** Enough to see what is hot; the chain of a 100,000-token prefix takes 50 KB. */
const CAPACITY = 64;
const HALF_LIFE_MS = 60_000;

export class HotPrefixes {
  /** By the last hash of the chain, which stands for all of it. */
  readonly #entries = new Map<bigint, Entry>();

  /** A request was matched by the first `matchedBlocks` of its blocks. */
  note(
    hashes: BigUint64Array,
    matchedBlocks: number,
    blockSizeTokens: number,
    nowMs: number,
  ): void {
    const last = hashes[matchedBlocks - 1];
    if (last === undefined) return;
    const known = this.#entries.get(last);
    if (known !== undefined) {
      known.weight = weightAt(known, nowMs) + 1;
      known.asOfMs = nowMs;
      return;
    }
    if (this.#entries.size >= CAPACITY) this.#dropLightest(nowMs);
    const chain = hashes.slice(0, matchedBlocks);
    this.#entries.set(last, { hashes: chain, blockSizeTokens, weight: 1, asOfMs: nowMs });
  }

  /** Heaviest first. */
  top(count: number, nowMs: number): readonly HotPrefix[] {
    return [...this.#entries.values()]
      .map(({ hashes, blockSizeTokens, ...entry }) => ({
        blockCount: hashes.length,
        blockSizeTokens,
        weight: weightAt(entry, nowMs),
        idleMs: nowMs - entry.asOfMs,
        hashes,
      }))
      .sort((a, b) => b.weight - a.weight)
      .slice(0, count);
  }

  #dropLightest(nowMs: number): void {
    let lightest: bigint | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const [key, entry] of this.#entries) {
      const weight = weightAt(entry, nowMs);
      if (weight >= least) continue;
      least = weight;
      lightest = key;
    }
    if (lightest !== null) this.#entries.delete(lightest);
  }
}

function weightAt({ weight, asOfMs }: Pick<Entry, 'weight' | 'asOfMs'>, nowMs: number): number {
  return weight * 2 ** ((asOfMs - nowMs) / HALF_LIFE_MS);
}
