// PrefixHeat: how often prefixes have been asked for lately, so that a hot one may be copied to more
// engines while a cold one keeps its home.

/** Requests are forgotten with this time constant: longer than a burst, shorter than a working day's
 * ups and downs. */
const MEMORY_MS = 10_000;
/** Prefixes remembered; what is hot is asked for often and so never the oldest. */
const PREFIXES = 8192;

interface Heat {
  count: number;
  atMs: number;
}

export class PrefixHeat {
  readonly #nowMs: () => number;
  /** By the hash of the prefix's last block; the longest unused first. */
  readonly #prefixes = new Map<bigint, Heat>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Requests with this prefix lately: those of the last ten seconds, older ones fading. */
  of(lastBlock: bigint): number {
    const heat = this.#prefixes.get(lastBlock);
    return heat === undefined ? 0 : faded(heat, this.#nowMs());
  }

  /** One more request has this prefix. */
  add(lastBlock: bigint): void {
    const atMs = this.#nowMs();
    const heat = this.#prefixes.get(lastBlock);
    this.#prefixes.delete(lastBlock);
    this.#prefixes.set(lastBlock, {
      count: 1 + (heat === undefined ? 0 : faded(heat, atMs)),
      atMs,
    });
    if (this.#prefixes.size <= PREFIXES) return;
    const oldest = this.#prefixes.keys().next();
    if (oldest.done !== true) this.#prefixes.delete(oldest.value);
  }
}

function faded({ count, atMs }: Heat, nowMs: number): number {
  return count * Math.exp((atMs - nowMs) / MEMORY_MS);
}
