// Backoff: how long to wait before the next try. Full jitter, so that the routers of a fleet do not
// come back to a server all at once.

export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Quick at first: most failures are a server that restarts behind an address that stays. */
const LIMITS: BackoffLimits = { firstMs: 200, maxMs: 30_000 };

export class Backoff {
  readonly #random: () => number;
  readonly #limits: BackoffLimits;
  #failures = 0;

  /** `random` in [0, 1). */
  constructor(random: () => number, limits = LIMITS) {
    this.#random = random;
    this.#limits = limits;
  }

  /** Milliseconds to wait after one more failure, between half of a doubling bound and all of it. */
  nextMs(): number {
    const { firstMs, maxMs } = this.#limits;
    const bound = Math.min(maxMs, firstMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    return bound * (0.5 + 0.5 * this.#random());
  }

  /** In a row; 0 after a success. */
  get failures(): number {
    return this.#failures;
  }

  reset(): void {
    this.#failures = 0;
  }
}
