// What one endpoint has to do right now. A view: its numbers are always the current ones.
//
// A class, because a decision reads a dozen of these numbers of every endpoint: getters of objects that
// are made one by one are each a function of their own, which no compiler can inline.
import type { EndpointLoad, EndpointSlot, LoraLoad, PeerLoad } from '../endpoint/endpoint.js';
import type { EngineMetrics } from '../endpoint/engine-metrics.js';
import type { InflightLoad } from '../endpoint/inflight-load.js';

const NO_LOAD: PeerLoad = { requests: 0, tokens: 0 };

export class LiveLoad implements EndpointLoad {
  /** null: no poll has answered yet, or the engine has no metrics. */
  metrics: EngineMetrics | null = null;
  readonly #inflight: InflightLoad;
  readonly #slot: EndpointSlot;
  /** In the engine at the last poll, sent by nobody known. */
  #foreignRequests = 0;
  #peers = NO_LOAD;

  constructor(inflight: InflightLoad, slot: EndpointSlot) {
    this.#inflight = inflight;
    this.#slot = slot;
  }

  get waitingRequests(): number {
    return this.metrics?.waitingRequests ?? 0;
  }

  get runningRequests(): number {
    return this.metrics?.runningRequests ?? 0;
  }

  get kvCacheUsage(): number {
    return this.metrics?.kvCacheUsage ?? 0;
  }

  get inflightRequests(): number {
    return this.#inflight.requests(this.#slot);
  }

  get inflightTokens(): number {
    return this.#inflight.tokens(this.#slot);
  }

  get inflightContextTokens(): number {
    return this.#inflight.contextTokens(this.#slot);
  }

  get recentTokens(): number {
    return this.#inflight.recentTokens(this.#slot);
  }

  get prefillMsPerToken(): number | null {
    return this.#inflight.msPerToken(this.#slot);
  }

  get otherRequests(): number {
    return this.#foreignRequests + this.#peers.requests;
  }

  get otherTokens(): number {
    return this.#peers.tokens;
  }

  get lora(): LoraLoad | null {
    return this.metrics?.lora ?? null;
  }

  /** What this router's peers have in flight there; undefined: nothing is known. */
  hearPeers(load: PeerLoad | undefined): void {
    this.#peers = load ?? NO_LOAD;
  }

  /** Takes the engine's metrics page in. */
  learn(metrics: EngineMetrics | null): void {
    this.metrics = metrics;
    if (metrics === null) return;
    const present = metrics.waitingRequests + metrics.runningRequests;
    const known = this.inflightRequests + this.#peers.requests;
    this.#foreignRequests = Math.max(0, present - known);
  }
}
