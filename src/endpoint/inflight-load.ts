// The router's own count of what it has sent and what has not come back: always fresh.
import type { EndpointSlot } from './endpoint.js';

/** One request booked on an endpoint. Both methods may be called any number of times. */
export interface Booking {
  /** The prompt is computed: its tokens no longer wait. */
  firstToken(): void;
  /** The request is over, however it ended. */
  end(): void;
}

export class InflightLoad {
  readonly #requests: Uint32Array;
  readonly #tokens: Float64Array;

  constructor(endpoints: number) {
    this.#requests = new Uint32Array(endpoints);
    this.#tokens = new Float64Array(endpoints);
  }

  requests(slot: EndpointSlot): number {
    return this.#requests[slot] ?? 0;
  }

  /** Uncached prompt tokens of requests without a first token. */
  tokens(slot: EndpointSlot): number {
    return this.#tokens[slot] ?? 0;
  }

  book(slot: EndpointSlot, uncachedTokens: number): Booking {
    let waiting = true;
    let open = true;
    this.#add(slot, 1, uncachedTokens);
    const firstToken = () => {
      if (waiting) this.#add(slot, 0, -uncachedTokens);
      waiting = false;
    };
    const end = () => {
      firstToken();
      if (open) this.#add(slot, -1, 0);
      open = false;
    };
    return { firstToken, end };
  }

  #add(slot: EndpointSlot, requests: number, tokens: number): void {
    this.#requests[slot] = (this.#requests[slot] ?? 0) + requests;
    this.#tokens[slot] = (this.#tokens[slot] ?? 0) + tokens;
  }
}
