// TokenBucket: so many a minute, as many at once when none were used for a minute. What something costs
// may be known only afterwards, so the balance may fall below zero: then nothing passes until it is paid.

const MINUTE_MS = 60_000;

export class TokenBucket {
  readonly #nowMs: () => number;
  #perMinute: number;
  #balance: number;
  #atMs: number;

  constructor(perMinute: number, nowMs: () => number) {
    this.#perMinute = perMinute;
    this.#nowMs = nowMs;
    this.#balance = perMinute;
    this.#atMs = nowMs();
  }

  /** Another rate from now on; what was used stays used. */
  change(perMinute: number): void {
    if (perMinute === this.#perMinute) return;
    this.#refill();
    const used = this.#perMinute - this.#balance;
    this.#perMinute = perMinute;
    this.#balance = perMinute - used;
  }

  /** Milliseconds until `amount` could be taken; 0: now. */
  waitMs(amount: number): number {
    this.#refill();
    const missing = amount - this.#balance;
    const waitMs = (missing / this.#perMinute) * MINUTE_MS;
    // What arithmetic leaves over must not become a second of waiting.
    return waitMs < 0.001 ? 0 : Math.round(waitMs * 1000) / 1000;
  }

  /** Also more than there is. */
  take(amount: number): void {
    this.#refill();
    this.#balance -= amount;
  }

  #refill(): void {
    const now = this.#nowMs();
    const earned = ((now - this.#atMs) / MINUTE_MS) * this.#perMinute;
    this.#balance = Math.min(this.#perMinute, this.#balance + earned);
    this.#atMs = now;
  }
}
