// One thing a request can be sent to: an engine, or one data-parallel rank of it.

/** Small integer, unique among live endpoints; the prefix index knows endpoints by it. */
export type EndpointSlot = number;

/** How to reach an endpoint, as configured or discovered. */
export interface EndpointAddress {
  /** Unique among live endpoints. */
  readonly name: string;
  /** Base URL without a trailing slash, such as `http://10.0.0.1:8000`. */
  readonly url: string;
  /** Configured model it serves. */
  readonly model: string;
  /** ZMQ address of the engine's event publisher; null in central mode or without events. */
  readonly kvEvents: string | null;
  readonly kvReplay: string | null;
  /** Rank to pin requests to; null: the engine has one rank, or chooses by itself. */
  readonly dataParallelRank: number | null;
}

export interface Endpoint extends EndpointAddress {
  readonly slot: EndpointSlot;
  /** Grows with every use of a slot, so that news of an earlier tenant can be told apart. */
  readonly epoch: number;
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

/** How good an endpoint's match is. */
export type Trust = 'exact' | 'rehashed' | 'degraded' | 'estimated' | 'none';
