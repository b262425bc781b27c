// LatencySketch: quantiles of durations from counts in buckets that grow by a constant factor.

/** 1 us to about 1000 s in steps of 7 %: a quantile is off by at most half a step. */
const LEAST_MS = 0.001;
const STEPS_PER_E = 15;
const BUCKETS = 312;

export class LatencySketch {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(ms: number): void {
    const step = ms > LEAST_MS ? Math.floor(Math.log(ms / LEAST_MS) * STEPS_PER_E) : 0;
    const bucket = Math.min(BUCKETS - 1, step);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
  }

  addAll(other: LatencySketch): void {
    for (let i = 0; i < BUCKETS; i += 1) {
      this.#counts[i] = (this.#counts[i] ?? 0) + (other.#counts[i] ?? 0);
    }
    this.#count += other.#count;
  }

  /** null: nothing was added. `q` from 0 to 1. */
  quantileMs(q: number): number | null {
    if (this.#count === 0) return null;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let seen = 0;
    for (let i = 0; i < BUCKETS; i += 1) {
      seen += this.#counts[i] ?? 0;
      if (seen >= rank) return LEAST_MS * Math.exp((i + 0.5) / STEPS_PER_E);
    }
    return null;
  }
}
