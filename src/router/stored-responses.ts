// Requests about a stored response go to the endpoint that holds it; after a restart of the router
// the engines are asked which of them that is.
import { RouterError } from '../errors.js';
import type { HeaderList } from '../http/exchange.js';
import { ResponseIdReader } from '../openai/response-id.js';
import { broadcast, succeeded } from './broadcast.js';
import type { Fleet } from './fleet.js';
import type { LiveEndpoint } from './live-endpoint.js';
import { ResponseHolders } from './response-holders.js';

/** Each asks the whole fleet, and anybody can make ids up. */
const SEARCHES_AT_ONCE = 4;
const SEARCH_TIMEOUT_MS = 2000;

export class StoredResponses {
  readonly #fleet: Fleet;
  readonly #holders: ResponseHolders;
  #searches = 0;

  constructor(fleet: Fleet, nowMs: () => number) {
    this.#fleet = fleet;
    this.#holders = new ResponseHolders(nowMs);
  }

  /** Null when no endpoint is known to hold it: then any of them may say so. `headers` are the
   * client's, whose key the engines may want to see. */
  async holderOf(id: string, headers: HeaderList): Promise<LiveEndpoint | null> {
    const known = this.#holders.find(id);
    if (known !== null && this.#fleet.has(known)) return known;
    if (this.#searches >= SEARCHES_AT_ONCE) return null;
    this.#searches += 1;
    try {
      return await this.#search(id, headers);
    } finally {
      this.#searches -= 1;
    }
  }

  /** Takes an answer's chunks and remembers which endpoint holds the response. */
  watcher(): (live: LiveEndpoint, chunk: Uint8Array) => void {
    const reader = new ResponseIdReader();
    return (live, chunk) => {
      const id = reader.push(chunk);
      if (id !== null) this.#holders.remember(id, live);
    };
  }

  async #search(id: string, headers: HeaderList): Promise<LiveEndpoint | null> {
    const question = {
      method: 'GET',
      target: `/v1/responses/${encodeURIComponent(id)}`,
      headers: headers.filter(([name]) => name === 'authorization'),
      body: null,
    };
    const replies = await broadcast(this.#fleet.all, question, SEARCH_TIMEOUT_MS);
    const holder = replies.find(succeeded)?.live ?? null;
    if (holder !== null) this.#holders.remember(id, holder);
    return holder;
  }
}

export function holderGone({ endpoint }: LiveEndpoint): RouterError {
  return new RouterError(
    'no_endpoint',
    `endpoint ${endpoint.name}, which alone holds this response, is not available`,
    { retryAfterSeconds: 1 },
  );
}
