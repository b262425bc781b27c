// All that is known of one endpoint right now: load, health, events, names it serves.
import type { Endpoint, PeerLoad, Trust } from '../endpoint/endpoint.js';
import { EndpointHealth, type HealthThresholds } from '../endpoint/endpoint-health.js';
import type { EngineMetrics } from '../endpoint/engine-metrics.js';
import type { EngineReport, ServedModel } from '../endpoint/engine-poller.js';
import type { InflightLoad } from '../endpoint/inflight-load.js';
import type { EventState } from '../events/event-messages.js';
import type { HeaderList } from '../http/exchange.js';
import { type HashSettings, hashesAdapterNumber } from '../prefix/hash-settings.js';
import type { EngineDispatcher } from '../proxy/engine-tls.js';
import { EndpointTraffic } from '../traffic/endpoint-traffic.js';
import { AdapterNumbers } from './adapter-numbers.js';
import { Contradictions } from './contradictions.js';
import { LiveLoad } from './live-load.js';

/** Events of a request come within a step of it. An engine that has been silent for this long after one
 * does not publish, or not to us. */
const SILENT_MS = 5_000;

export class LiveEndpoint {
  readonly endpoint: Endpoint;
  readonly health: EndpointHealth;
  readonly traffic = new EndpointTraffic();
  contradictions = new Contradictions();
  readonly #adapters = new AdapterNumbers();
  /** A view: its numbers are always the current ones. */
  readonly load: LiveLoad;
  /** The engine's key, where clients' own is not to reach it. */
  credentials: HeaderList = [];
  /** For the router's own questions; null: undici's own will do. */
  questions: EngineDispatcher | null = null;
  readonly #rank: HeaderList;
  /** null: not asked yet. */
  models: readonly ServedModel[] | null = null;
  /** It gets nothing new; what it has in flight ends there. */
  draining = false;
  /** It joined a running fleet and no poll of it has succeeded yet: others are asked first. */
  joining = false;
  #events: EventState | null = null;
  readonly #nowMs: () => number;
  #restsUntilMs = 0;
  /** When the first request was answered that left blocks behind, with no event proven since. */
  #silentSinceMs: number | null = null;

  constructor(
    endpoint: Endpoint,
    inflight: InflightLoad,
    thresholds: HealthThresholds,
    nowMs = () => performance.now(),
  ) {
    this.endpoint = endpoint;
    this.health = new EndpointHealth(thresholds);
    this.#nowMs = nowMs;
    const { slot, dataParallelRank: rank } = endpoint;
    this.#rank = rank === null ? [] : [['x-data-parallel-rank', String(rank)]];
    this.load = new LiveLoad(inflight, slot);
  }

  /** null: no poll has answered yet, or the engine has no metrics. */
  get metrics(): EngineMetrics | null {
    return this.load.metrics;
  }

  /** Set or replaced in every request to it. */
  get requestHeaders(): HeaderList {
    return [...this.credentials, ...this.#rank];
  }

  get events(): EventState | null {
    return this.#events;
  }

  /** News from the event thread. */
  hear(state: EventState): void {
    if (state.settings !== null || this.#events?.settings != null) this.#silentSinceMs = null;
    // Another process may be believed again.
    if (state.counts.restarts !== this.#events?.counts.restarts) {
      this.contradictions = new Contradictions();
      this.#adapters.restarted();
      if (this.models !== null) this.#adapters.listed(this.models);
    }
    this.#events = state;
  }

  /** Nobody reads its events at the moment. */
  missEvents(reason: string): void {
    if (this.#events !== null) this.#events = { ...this.#events, trust: 'degraded', reason };
  }

  /** A request was answered and left full blocks in the engine's cache. */
  hasStored(): void {
    if (this.isUnproven) this.#silentSinceMs ??= this.#nowMs();
  }

  /** No event has shown yet how this engine hashes, or none can come: what it holds is then guessed
   * from what was sent to it. */
  get isUnproven(): boolean {
    return this.#events === null || this.#events.settings === null;
  }

  /** How requests must be hashed to match it; null: no event has shown it yet. */
  get settings(): HashSettings | null {
    const settings = this.#events?.settings ?? null;
    if (settings === null || !hashesAdapterNumber(settings.profile)) return settings;
    return { ...settings, adapters: this.#adapters.names };
  }

  get trust(): Trust {
    // Until the event thread has reported, what it writes counts as unproven.
    if (this.#events === null) return 'degraded';
    if (this.#estimateReason !== null) return 'estimated';
    return this.contradictions.doubt === null ? this.#events.trust : 'degraded';
  }

  /** Why trust is what it is, one sentence. */
  get trustReason(): string {
    const events = this.#events;
    if (events === null) return 'just added';
    return this.#estimateReason ?? this.contradictions.doubt ?? events.reason;
  }

  get #estimateReason(): string | null {
    if (this.#events?.trust === 'none') return `${this.#events.reason}: estimated from our routing`;
    const since = this.#silentSinceMs;
    if (since === null || this.#nowMs() - since < SILENT_MS) return null;
    return `requests ran, but no event shows what they left (${this.#events?.reason}): estimated from our routing`;
  }

  get available(): boolean {
    return this.health.healthy && !this.draining && this.metrics?.sleeping !== true;
  }

  /** Why it gets nothing new; null: it does. */
  get unavailability(): string | null {
    if (this.available) return null;
    if (this.draining) return 'draining';
    return this.health.healthy ? 'asleep' : this.health.reason;
  }

  /** It will be available soon, and may be asked now if nobody else can be. */
  get isReturning(): boolean {
    return this.health.isReturning && !this.draining && this.metrics?.sleeping !== true;
  }

  /** The engine was sent to sleep or woken through us: known before the next poll says so. */
  sleeping(sleeping: boolean): void {
    if (this.metrics !== null) this.load.metrics = { ...this.metrics, sleeping };
  }

  /** It said that it has too much to do: others are asked first until then. */
  rest(forMs: number): void {
    this.#restsUntilMs = this.#nowMs() + forMs;
  }

  get isResting(): boolean {
    return this.#nowMs() < this.#restsUntilMs;
  }

  /** Whether the engine answers to this name; unknown counts as yes, as does an empty list. */
  lists(name: string): boolean {
    const models = this.models ?? [];
    return models.length === 0 || models.some(({ id }) => id === name);
  }

  /** Whether this engine has loaded an adapter; unknown counts as no. */
  servesAdapter(name: string): boolean {
    return this.models?.some(({ id, parent }) => id === name && parent !== null) === true;
  }

  /** What this router's peers have in flight there. */
  hearPeers(load: PeerLoad | undefined): void {
    this.load.hearPeers(load);
  }

  /** Takes a poll's answer in; true when its prompts may now be matched otherwise. */
  learn(report: EngineReport): boolean {
    this.health.succeeded();
    this.joining = false;
    const before = this.metrics;
    this.load.learn(report.metrics);
    const hashesOtherwise =
      before?.blockSizeTokens !== report.metrics?.blockSizeTokens ||
      before?.hashAlgorithm !== report.metrics?.hashAlgorithm;
    if (report.models === null) return hashesOtherwise;
    const changed = JSON.stringify(report.models) !== JSON.stringify(this.models);
    this.models = report.models;
    this.#adapters.listed(report.models);
    return changed || hashesOtherwise;
  }
}
