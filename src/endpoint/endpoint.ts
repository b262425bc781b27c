// One thing a request can be sent to: an engine, or one data-parallel rank of it.

/** Small integer, unique among live endpoints; the prefix index knows endpoints by it. */
export type EndpointSlot = number;

/** What is configured or discovered of an endpoint. */
export interface EndpointSpec {
  readonly name: string;
  /** Base URL without a trailing slash, such as `http://10.0.0.1:8000`. */
  readonly url: string;
  /** Configured name of the model it serves. */
  readonly model: string;
  /** ZMQ address of the engine's event publisher; null in central mode or without events. */
  readonly kvEvents: string | null;
  readonly kvReplay: string | null;
  /** Rank behind the URL that requests are pinned to; null: the engine has one, or chooses. */
  readonly dataParallelRank: number | null;
}

/** An endpoint of a model as whoever lists the endpoints wants it. */
export interface WantedEndpoint extends Omit<EndpointSpec, 'model'> {
  /** What stays the same for as long as it is the same engine, such as the UID of a pod: another one
   * at the same address holds nothing of its cache. null: name and addresses alone tell. */
  readonly identity: string | null;
  /** It gets nothing new. What it has goes on and what it holds stays known, as it may come back. */
  readonly draining: boolean;
}

/** A live endpoint. */
export interface Endpoint extends EndpointSpec {
  readonly slot: EndpointSlot;
  /** Grows with every reuse of the slot: news about an older epoch is about another endpoint. */
  readonly epoch: number;
}

/** LoRA adapters as the engine's metrics name them. */
export interface LoraLoad {
  readonly running: readonly string[];
  readonly waiting: readonly string[];
  /** Adapters the engine can run at once. */
  readonly max: number;
}

/** What one router has in flight at an endpoint, as it tells its peers: requests, and uncached prompt
 * tokens of those without a first token. */
export interface PeerLoad {
  readonly requests: number;
  readonly tokens: number;
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
  /** Prompt tokens of all requests in flight: what their decoding reads at every step. */
  readonly inflightContextTokens: number;
  /** Uncached prompt tokens sent in the last half minute, older ones fading. */
  readonly recentTokens: number;
  /** Time it takes to compute a prompt token, as its answers show; null: not known yet. */
  readonly prefillMsPerToken: number | null;
  /** Requests that came to the engine past this router: those of its peers as they last told, others
   * as of the last poll. */
  readonly otherRequests: number;
  /** As inflightTokens, of this router's peers as they last told. */
  readonly otherTokens: number;
  /** null: the engine serves no adapters. */
  readonly lora: LoraLoad | null;
}

/** How good an endpoint's match is (DESIGN: section 1). */
export type Trust = 'exact' | 'rehashed' | 'degraded' | 'estimated' | 'none';
