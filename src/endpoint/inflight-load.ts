// The router's own count of what it has sent and what has not come back: always fresh.
import type { EndpointSlot } from './endpoint.js';

/** One request booked on an endpoint. Both methods may be called any number of times, in any order;
 * each part is given back once. */
export interface Booking {
  /** The prompt is computed: its tokens no longer wait. */
  firstToken(): void;
  /** The request is over, however it ended. */
  end(): void;
}

export class InflightLoad {
  readonly #requests: Uint32Array;
  readonly #tokens: Float64Array;
  /** Grows when a slot gets a new tenant: what the last one still has in flight is not the new one's. */
  readonly #tenants: Uint32Array;

  constructor(endpoints: number) {
    this.#requests = new Uint32Array(endpoints);
    this.#tokens = new Float64Array(endpoints);
    this.#tenants = new Uint32Array(endpoints);
  }

  requests(slot: EndpointSlot): number {
    return this.#requests[slot] ?? 0;
  }

  /** Uncached prompt tokens of requests without a first token. */
  tokens(slot: EndpointSlot): number {
    return this.#tokens[slot] ?? 0;
  }

  /** A new endpoint takes the slot: it starts from nothing, and late ends of the old one's requests
   * do not touch it. */
  newTenant(slot: EndpointSlot): void {
    this.#requests[slot] = 0;
    this.#tokens[slot] = 0;
    this.#tenants[slot] = this.#tenantOf(slot) + 1;
  }

  /** A count that is no number books the request alone: one bad estimate must not stick for ever. */
  book(slot: EndpointSlot, uncachedTokens: number): Booking {
    const tenant = this.#tenantOf(slot);
    // Whole numbers, so that any order of additions and releases comes back to exactly 0.
    const tokens = uncachedTokens > 0 ? Math.round(uncachedTokens) : 0;
    let waiting = true;
    let open = true;
    this.#add(slot, 1, tokens);
    const firstToken = () => {
      if (waiting && tenant === this.#tenantOf(slot)) this.#add(slot, 0, -tokens);
      waiting = false;
    };
    const end = () => {
      firstToken();
      if (open && tenant === this.#tenantOf(slot)) this.#add(slot, -1, 0);
      open = false;
    };
    return { firstToken, end };
  }

  #tenantOf(slot: EndpointSlot): number {
    return this.#tenants[slot] ?? 0;
  }

  #add(slot: EndpointSlot, requests: number, tokens: number): void {
    this.#requests[slot] = (this.#requests[slot] ?? 0) + requests;
    this.#tokens[slot] = (this.#tokens[slot] ?? 0) + tokens;
  }
}
