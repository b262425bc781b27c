// One thing a request can be sent to: an engine, or one data-parallel rank of it.

/** Small integer, unique among live endpoints; the prefix index knows endpoints by it. */
export type EndpointSlot = number;

export interface Endpoint {
  readonly slot: EndpointSlot;
  readonly name: string;
  /** Base URL without a trailing slash, such as `http://10.0.0.1:8000`. */
  readonly url: string;
  /** Names this endpoint answers to: base model first, LoRA adapters after it. */
  readonly model: string;
  /** ZMQ address of the engine's event publisher; null in central mode or without events. */
  readonly kvEvents: string | null;
  readonly kvReplay: string | null;
}

/** What schedulers see of an endpoint's load. Engine metrics are as fresh as the last poll;
 * `inflight*` are the router's own and always fresh. */
export interface EndpointLoad {
  readonly waitingRequests: number;
  readonly runningRequests: number;
  /** 0 to 1. */
  readonly kvCacheUsage: number;
  /** Requests this router has sent and that have not ended. */
  readonly inflightRequests: number;
  /** Uncached prompt tokens of requests that have not had their first token. */
  readonly inflightTokens: number;
}

/** How good an endpoint's match is (DESIGN: section 1). */
export type Trust = 'exact' | 'rehashed' | 'degraded' | 'estimated' | 'none';
