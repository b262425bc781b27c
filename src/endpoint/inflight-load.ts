// The router's own count of what it has sent and what has not come back: always fresh.
import type { EndpointSlot } from './endpoint.js';
import { PrefillSpeed } from './prefill-speed.js';

/** What a request will ask of its endpoint. */
export interface BookedWork {
  /** Prompt tokens the engine has to compute. */
  readonly uncachedTokens: number;
  /** All of the prompt. */
  readonly promptTokens: number;
  /** The first token comes when it is made, not with the last one. */
  readonly streams: boolean;
}

/** One request booked on an endpoint. Both methods may be called any number of times, in any order;
 * each part is given back once. */
export interface Booking {
  /** The prompt is computed: its tokens no longer wait. */
  firstToken(): void;
  /** The request is over, however it ended. */
  end(): void;
}

/** Attention grows with the square of a prompt: beyond this, time over tokens is no line. */
const LINEAR_TOKENS = 16_384;

/** Time constant of recent tokens: about the pause between two requests of a session. */
const RECENT_MS = 30_000;

export class InflightLoad {
  readonly #nowMs: () => number;
  readonly #requests: Uint32Array;
  readonly #tokens: Float64Array;
  readonly #context: Float64Array;
  /** Uncached tokens sent lately, as of the time beside them. */
  readonly #recent: Float64Array;
  readonly #recentMs: Float64Array;
  readonly #speed: PrefillSpeed;
  /** Grows when a slot gets a new tenant: what the last one still has in flight is not the new one's. */
  readonly #tenants: Uint32Array;

  constructor(endpoints: number, nowMs = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#requests = new Uint32Array(endpoints);
    this.#tokens = new Float64Array(endpoints);
    this.#context = new Float64Array(endpoints);
    this.#recent = new Float64Array(endpoints);
    this.#recentMs = new Float64Array(endpoints);
    this.#speed = new PrefillSpeed(endpoints);
    this.#tenants = new Uint32Array(endpoints);
  }

  requests(slot: EndpointSlot): number {
    return this.#requests[slot] ?? 0;
  }

  /** Uncached prompt tokens of requests without a first token. */
  tokens(slot: EndpointSlot): number {
    return this.#tokens[slot] ?? 0;
  }

  /** Prompt tokens, cached or not, of all requests in flight. */
  contextTokens(slot: EndpointSlot): number {
    return this.#context[slot] ?? 0;
  }

  /** Uncached tokens sent in the last half minute, older ones fading. */
  recentTokens(slot: EndpointSlot): number {
    const sinceMs = this.#nowMs() - (this.#recentMs[slot] ?? 0);
    return (this.#recent[slot] ?? 0) * Math.exp(-sinceMs / RECENT_MS);
  }

  /** As its answers show; null: not known yet. */
  msPerToken(slot: EndpointSlot): number | null {
    return this.#speed.msPerToken(slot);
  }

  /** A new endpoint takes the slot: it starts from nothing, and late ends of the old one's requests
   * do not touch it. */
  newTenant(slot: EndpointSlot): void {
    this.#requests[slot] = 0;
    this.#tokens[slot] = 0;
    this.#context[slot] = 0;
    this.#recent[slot] = 0;
    this.#speed.forget(slot);
    this.#tenants[slot] = this.#tenantOf(slot) + 1;
  }

  /** A count that is no number books the request alone: one bad estimate must not stick for ever. */
  book(slot: EndpointSlot, { uncachedTokens, promptTokens, streams }: BookedWork): Booking {
    const tenant = this.#tenantOf(slot);
    const tokens = wholeTokens(uncachedTokens);
    const context = wholeTokens(promptTokens);
    const bookedMs = this.#nowMs();
    this.#recent[slot] = this.recentTokens(slot) + tokens;
    this.#recentMs[slot] = bookedMs;
    let waiting = true;
    let open = true;
    this.#add(slot, 1, tokens, context);
    const until = this.tokens(slot);
    const computed = () => {
      const isOurs = waiting && tenant === this.#tenantOf(slot);
      waiting = false;
      if (isOurs) this.#add(slot, 0, -tokens, 0);
      return isOurs;
    };
    const firstToken = () => {
      const tells = streams && tokens <= LINEAR_TOKENS;
      if (computed() && tells) this.#speed.add(slot, until, this.#nowMs() - bookedMs);
    };
    const end = () => {
      computed();
      if (open && tenant === this.#tenantOf(slot)) this.#add(slot, -1, 0, -context);
      open = false;
    };
    return { firstToken, end };
  }

  #tenantOf(slot: EndpointSlot): number {
    return this.#tenants[slot] ?? 0;
  }

  #add(slot: EndpointSlot, requests: number, tokens: number, context: number): void {
    this.#requests[slot] = (this.#requests[slot] ?? 0) + requests;
    this.#tokens[slot] = (this.#tokens[slot] ?? 0) + tokens;
    this.#context[slot] = (this.#context[slot] ?? 0) + context;
  }
}

/** Whole numbers, so that any order of additions and releases comes back to exactly 0. */
function wholeTokens(tokens: number): number {
  return tokens > 0 ? Math.round(tokens) : 0;
}
