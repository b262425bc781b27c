// Which endpoint holds a stored response: vLLM keeps them in the memory of the server that made them.
import type { LiveEndpoint } from './live-endpoint.js';

/** Some 300 bytes each. Beyond it the oldest are forgotten here; the engine still has them. */
const RESPONSES_MAX = 100_000;
/** Nobody goes on with a conversation after that. */
const LIFE_MS = 24 * 3_600_000;

interface Holding {
  readonly live: LiveEndpoint;
  untilMs: number;
}

export class ResponseHolders {
  readonly #nowMs: () => number;
  /** Oldest use first. */
  readonly #holdings = new Map<string, Holding>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  remember(id: string, live: LiveEndpoint): void {
    this.#holdings.delete(id);
    this.#holdings.set(id, { live, untilMs: this.#nowMs() + LIFE_MS });
    for (const [oldest, { untilMs }] of this.#holdings) {
      if (this.#holdings.size <= RESPONSES_MAX && untilMs > this.#nowMs()) return;
      this.#holdings.delete(oldest);
    }
  }

  /** Null when it is not known, or has not been asked for in a day. */
  find(id: string): LiveEndpoint | null {
    const holding = this.#holdings.get(id);
    if (holding === undefined || holding.untilMs <= this.#nowMs()) return null;
    this.remember(id, holding.live);
    return holding.live;
  }

  get size(): number {
    return this.#holdings.size;
  }
}
