// All that is known of one endpoint right now: load, health, events, names it serves.
import type { Endpoint, EndpointLoad, Trust } from '../endpoint/endpoint.js';
import { EndpointHealth } from '../endpoint/endpoint-health.js';
import type { EngineMetrics } from '../endpoint/engine-metrics.js';
import type { EngineReport, ServedModel } from '../endpoint/engine-poller.js';
import type { InflightLoad } from '../endpoint/inflight-load.js';
import type { EventState } from '../events/event-messages.js';
import type { HeaderList } from '../http/exchange.js';
import { EndpointTraffic } from '../traffic/endpoint-traffic.js';

export class LiveEndpoint {
  readonly endpoint: Endpoint;
  readonly health = new EndpointHealth();
  readonly traffic = new EndpointTraffic();
  /** A view: its numbers are always the current ones. */
  readonly load: EndpointLoad;
  /** Sent with every request to it. */
  readonly requestHeaders: HeaderList;
  /** null: no poll has answered yet, or the engine has no metrics. */
  metrics: EngineMetrics | null = null;
  /** null: not asked yet. */
  models: readonly ServedModel[] | null = null;
  events: EventState | null = null;
  draining = false;
  #otherRequests = 0;

  constructor(endpoint: Endpoint, inflight: InflightLoad) {
    this.endpoint = endpoint;
    const { slot, dataParallelRank: rank } = endpoint;
    this.requestHeaders = rank === null ? [] : [['x-data-parallel-rank', String(rank)]];
    const metrics = () => this.metrics;
    const others = () => this.#otherRequests;
    this.load = {
      get waitingRequests() {
        return metrics()?.waitingRequests ?? 0;
      },
      get runningRequests() {
        return metrics()?.runningRequests ?? 0;
      },
      get kvCacheUsage() {
        return metrics()?.kvCacheUsage ?? 0;
      },
      get inflightRequests() {
        return inflight.requests(slot);
      },
      get inflightTokens() {
        return inflight.tokens(slot);
      },
      get otherRequests() {
        return others();
      },
      get lora() {
        return metrics()?.lora ?? null;
      },
    };
  }

  /** Until the event thread has reported, what it writes counts as unproven. */
  get trust(): Trust {
    return this.events?.trust ?? 'degraded';
  }

  get available(): boolean {
    return this.health.healthy && !this.draining && this.metrics?.sleeping !== true;
  }

  /** Whether this engine has loaded an adapter; unknown counts as no. */
  servesAdapter(name: string): boolean {
    return this.models?.some(({ id, parent }) => id === name && parent !== null) === true;
  }

  /** Takes a poll's answer in; says whether names or lengths changed. */
  learn(report: EngineReport): boolean {
    this.health.succeeded();
    this.metrics = report.metrics;
    if (report.metrics !== null) {
      const { waitingRequests, runningRequests } = report.metrics;
      const present = waitingRequests + runningRequests;
      this.#otherRequests = Math.max(0, present - this.load.inflightRequests);
    }
    if (report.models === null) return false;
    const changed = JSON.stringify(report.models) !== JSON.stringify(this.models);
    this.models = report.models;
    return changed;
  }
}
