// FleetPollers: asks every endpoint of the fleet again and again, from its joining to its leaving.
import type { EndpointSlot } from '../endpoint/endpoint.js';
import {
  EnginePoller,
  type EngineReport,
  type PollerIntervals,
} from '../endpoint/engine-poller.js';
import type { LiveEndpoint } from './live-endpoint.js';

export interface FleetPollersOptions {
  readonly intervals: PollerIntervals;
  readonly random: () => number;
  /** By the model's name; null: no key is needed. */
  readonly apiKeyOf: (model: string) => string | null;
  readonly onReport: (live: LiveEndpoint, report: EngineReport) => void;
  readonly onFailure: (live: LiveEndpoint, reason: string, refused: boolean) => void;
}

export class FleetPollers {
  readonly #options: FleetPollersOptions;
  readonly #pollers = new Map<EndpointSlot, EnginePoller>();

  constructor(options: FleetPollersOptions) {
    this.#options = options;
  }

  start(live: LiveEndpoint): void {
    const { intervals, random, apiKeyOf, onReport, onFailure } = this.#options;
    const { slot, url, model, dataParallelRank } = live.endpoint;
    const poller = new EnginePoller({
      ...{ url, intervals, dataParallelRank, random },
      apiKey: () => apiKeyOf(model),
      ...(live.questions === null ? {} : { dispatcher: live.questions }),
      onReport: (report) => onReport(live, report),
      onFailure: (reason, refused) => onFailure(live, reason, refused),
    });
    this.#pollers.set(slot, poller);
  }

  stop(slot: EndpointSlot): void {
    this.#pollers.get(slot)?.close();
    this.#pollers.delete(slot);
  }

  /** Resolves when every endpoint has been looked at once, whatever came of it. */
  async lookedAt(): Promise<void> {
    await Promise.all([...this.#pollers.values()].map((poller) => poller.first));
  }

  /** Asks these endpoints at once for all that polls ask for. Never rejects. */
  async refresh(endpoints: readonly LiveEndpoint[]): Promise<void> {
    await Promise.all(endpoints.map(({ endpoint }) => this.#pollers.get(endpoint.slot)?.refresh()));
  }

  close(): void {
    for (const poller of this.#pollers.values()) poller.close();
    this.#pollers.clear();
  }
}
