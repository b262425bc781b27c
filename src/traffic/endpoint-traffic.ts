// EndpointTraffic: one endpoint's part of the recent traffic; older requests fade away.

/** A request counts half after this time. */
const HALF_LIFE_MS = 30_000;

export class EndpointTraffic {
  #requests = 0;
  #promptTokens = 0;
  #cachedTokens = 0;
  #asOfMs = 0;

  /** A request was sent here. Times are of one monotonic clock. */
  sent(nowMs: number): void {
    this.#fade(nowMs);
    this.#requests += 1;
  }

  /** An answer said how many of its prompt tokens came from cache. */
  reported(promptTokens: number, cachedTokens: number, nowMs: number): void {
    this.#fade(nowMs);
    this.#promptTokens += promptTokens;
    this.#cachedTokens += cachedTokens;
  }

  /** Recent requests, faded: only their ratio to those of other endpoints means something. */
  weight(nowMs: number): number {
    this.#fade(nowMs);
    return this.#requests;
  }

  /** Share of recent prompt tokens that came from cache, 0 to 1; null: nothing recent. */
  hitRatio(nowMs: number): number | null {
    this.#fade(nowMs);
    return this.#promptTokens < 1 ? null : this.#cachedTokens / this.#promptTokens;
  }

  #fade(nowMs: number): void {
    const factor = 2 ** ((this.#asOfMs - nowMs) / HALF_LIFE_MS);
    this.#requests *= factor;
    this.#promptTokens *= factor;
    this.#cachedTokens *= factor;
    this.#asOfMs = nowMs;
  }
}
