// The live fleet: which endpoints can answer for a model, and what is known of each.
import type { EndpointSlot, EndpointSpec, WantedEndpoint } from '../endpoint/endpoint.js';
import type { HealthWitness } from '../endpoint/endpoint-health.js';
import { EndpointSet } from '../endpoint/endpoint-set.js';
import type { EngineReport } from '../endpoint/engine-poller.js';
import { type BookedWork, type Booking, InflightLoad } from '../endpoint/inflight-load.js';
import { ConfigError } from '../errors.js';
import type { EventSource, EventState } from '../events/event-messages.js';
import { log } from '../log.js';
import { sameSettings } from '../prefix/hash-settings.js';
import type { PredictedBlocks } from '../prefix/predicted-blocks.js';
import type { RoutingHistory } from '../prefix/routing-history.js';
import type { EngineDispatcher } from '../proxy/engine-tls.js';
import type { ForwardOutcome } from '../proxy/forwarder.js';
import type { RequestLimits } from '../tokenizer/request-limits.js';
import { EndpointRoster, type RosterChange } from './endpoint-roster.js';
import { eventSourceOf, type FleetModel } from './fleet-model.js';
import { FleetModels } from './fleet-models.js';
import { FleetPollers } from './fleet-pollers.js';
import { LiveEndpoint } from './live-endpoint.js';
import type { ModelFacts, ModelSnapshot } from './match-models.js';
import { intervalsOf, type MonitorSettings, thresholdsOf } from './monitor-settings.js';
import { warnOfOtherNames } from './other-names.js';

/** The writer of the prefix index, as far as the fleet needs it. */
export interface EventSink {
  add(source: EventSource): void;
  remove(slot: EndpointSlot): void;
  clear(slot: EndpointSlot, reason: string, everywhere: boolean): void;
  started(slot: EndpointSlot, startedAt: number): void;
}

export interface FleetOptions {
  readonly models: readonly FleetModel[];
  readonly endpointLimit: number;
  /** May be a getter, as `limits` may: looked up whenever it matters. */
  readonly monitor: MonitorSettings;
  /** Of each request; left out: none. */
  readonly limits?: RequestLimits;
  /** Told when an endpoint's cache is empty, or its events say more. */
  readonly history: RoutingHistory;
  readonly predicted: Pick<PredictedBlocks, 'forget'>;
  readonly release: (url: string) => void;
  readonly random: () => number;
  /** For the router's own questions to engines, where undici's own will not do. */
  readonly questions?: EngineDispatcher | null;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #models: FleetModels;
  readonly #set: EndpointSet;
  readonly #inflight: InflightLoad;
  readonly #live = new Map<EndpointSlot, LiveEndpoint>();
  readonly #pollers: FleetPollers;
  readonly #roster = new EndpointRoster(this);
  #events: EventSink | null = null;
  #losses = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#models = new FleetModels(options.models);
    this.#set = new EndpointSet(options.endpointLimit);
    this.#inflight = new InflightLoad(options.endpointLimit);
    this.#pollers = new FleetPollers({
      intervals: intervalsOf(options),
      random: options.random,
      apiKeyOf: (model) => this.apiKeyOf(model),
      onReport: (live, report) => this.#learn(live, report),
      onFailure: (live, reason, refused) => this.#lose(live, reason, refused, 'poll'),
    });
  }

  /** The event thread follows all endpoints from now on. */
  follow(events: EventSink): void {
    this.#events = events;
    for (const source of this.eventSources) events.add(source);
  }

  /** What this router itself has in flight there. */
  inflight(slot: EndpointSlot): { requests: number; tokens: number } {
    return { requests: this.#inflight.requests(slot), tokens: this.#inflight.tokens(slot) };
  }

  /** What peers have in flight, by slot; slots that are missing have nothing. */
  hearPeers(loads: ReadonlyMap<EndpointSlot, { requests: number; tokens: number }>): void {
    for (const live of this.#live.values()) live.hearPeers(loads.get(live.endpoint.slot));
  }

  /** How the event thread knows the endpoints. */
  get eventSources(): readonly EventSource[] {
    return this.all.map(({ endpoint }) => {
      return eventSourceOf(endpoint, this.#models.get(endpoint.model));
    });
  }

  /** Resolves when every endpoint has been looked at once, whatever came of it. */
  lookedAt(): Promise<void> {
    return this.#pollers.lookedAt();
  }

  /** Throws ConfigError for a name used twice or one endpoint too many. */
  add(spec: EndpointSpec): LiveEndpoint {
    const endpoint = this.#set.add(spec);
    const live = new LiveEndpoint(endpoint, this.#inflight, thresholdsOf(this.#options));
    live.credentials = this.#models.credentials(endpoint.model);
    live.questions = this.#options.questions ?? null;
    this.#inflight.newTenant(endpoint.slot);
    this.#live.set(endpoint.slot, live);
    this.#models.outdated();
    this.#events?.add(eventSourceOf(endpoint, this.#models.get(endpoint.model)));
    this.#pollers.start(live);
    return live;
  }

  /** From now on these are all models. Endpoints of one that is gone leave, and so do those whose events
   * would be read in another way: the next list of theirs brings them back. */
  setModels(models: readonly FleetModel[]): void {
    for (const name of this.#models.replace(models)) this.#roster.set(name, []);
    for (const live of this.all) {
      live.credentials = this.#models.credentials(live.endpoint.model);
    }
  }

  /** From now on these are all endpoints of the model; may be called at any time, with a list as
   * long as it likes. New ones join, those missing leave as `remove` says, and one whose identity or
   * address is another leaves and joins anew. What cannot join is logged, counted as refused, and
   * tried again when there is room. Throws ConfigError for a model that is not configured. */
  setEndpoints(model: string, wanted: readonly WantedEndpoint[]): RosterChange {
    if (this.#models.get(model) === undefined) {
      throw new ConfigError(`model ${JSON.stringify(model)} is not configured`);
    }
    return this.#roster.set(model, wanted);
  }

  /** No new requests; those in flight end where they are. Its blocks are forgotten, and what its
   * engine still tells changes nothing. */
  remove(name: string): void {
    const endpoint = this.#set.named(name);
    if (endpoint === undefined) return;
    const { slot, url } = endpoint;
    this.#pollers.stop(slot);
    this.#set.remove(slot);
    this.#live.delete(slot);
    this.#options.history.forget(slot);
    this.#options.predicted.forget(slot);
    this.#models.outdated();
    if (this.#events === null) this.forgotten(slot);
    else this.#events.remove(slot);
    // Ranks share their server's connections.
    if (!this.all.some((live) => live.endpoint.url === url)) this.#options.release(url);
  }

  /** The prefix index holds nothing of a removed endpoint any more. */
  forgotten(slot: EndpointSlot): void {
    this.#set.forgotten(slot);
    this.#roster.retry();
  }

  /** How often an engine has gone out so far, whatever the reason. */
  get losses(): number {
    return this.#losses;
  }

  get all(): readonly LiveEndpoint[] {
    return [...this.#live.values()];
  }

  /** Endpoints that may get a request now; `name` is a model, an alias or an adapter, null any. */
  available(name: string | null): readonly LiveEndpoint[] {
    const available = this.serving(name).filter((live) => live.available);
    const seen = available.filter((live) => !live.joining);
    return seen.length > 0 ? seen : available;
  }

  /** The same with those that are out at the moment. */
  serving(name: string | null): readonly LiveEndpoint[] {
    if (name === null) return this.all;
    const model = this.#models.named(name);
    if (model !== null) return this.all.filter(({ endpoint }) => endpoint.model === model.name);
    return this.all.filter((live) => live.servesAdapter(name));
  }

  /** The engine has dropped its blocks and will not say so before its next step. `everywhere`: also
   * those that lay outside the GPU. */
  cleared({ endpoint }: LiveEndpoint, reason: string, everywhere: boolean): void {
    const { slot, name } = endpoint;
    log.info('engine cache cleared', { endpoint: name, reason });
    this.#events?.clear(slot, reason, everywhere);
    this.#options.history.forget(slot);
  }

  /** Whether it still belongs to the fleet. */
  has(live: LiveEndpoint): boolean {
    return this.#live.get(live.endpoint.slot) === live;
  }

  /** Asks these endpoints at once for all that polls ask for. Never rejects. */
  refresh(endpoints: readonly LiveEndpoint[]): Promise<void> {
    return this.#pollers.refresh(endpoints);
  }

  knows(name: string): boolean {
    return this.#models.named(name) !== null || this.all.some((live) => live.servesAdapter(name));
  }

  /** For what the router itself asks engines of a model; null: no key is needed. */
  apiKeyOf(model: string): string | null {
    return this.#models.get(model)?.apiKey ?? null;
  }

  /** The configured models and what their engines say of them. */
  modelFacts(): readonly ModelFacts[] {
    return this.#models.facts(this.all, this.#options.limits);
  }

  /** The models as of now, for one request. */
  models(): ModelSnapshot {
    return this.#models.latest ?? this.#models.snapshot(this.all, this.#options.limits);
  }

  book(slot: EndpointSlot, work: BookedWork): Booking {
    return this.#inflight.book(slot, work);
  }

  /** What a request met: a failure of the endpoint's counts against it, an answer for it. An answer
   * 5xx does neither: a single client's bad request could take out one endpoint after another, and
   * polls see an engine that is dead. What one that left met is nobody's any more. */
  report(live: LiveEndpoint, outcome: ForwardOutcome): void {
    if (!this.has(live)) return;
    if (outcome.kind === 'completed' && outcome.status < 500) {
      live.health.succeeded('request');
    }
    if (outcome.kind === 'broken') this.#lose(live, outcome.error.message, false, 'request');
    if (outcome.kind === 'unanswered' && outcome.error.source === 'engine') {
      const refused = outcome.error.code === 'engine_unreachable';
      this.#lose(live, outcome.error.message, refused, 'request');
    }
  }

  /** News from the event thread; of an earlier tenant of the slot it changes nothing. */
  eventStates(states: readonly EventState[]): void {
    for (const state of states) {
      const live = this.#live.get(state.slot);
      if (live === undefined || live.endpoint.epoch !== state.epoch) continue;
      const before = live.events;
      live.hear(state);
      if (!sameSettings(before?.settings ?? null, state.settings)) this.#models.outdated();
      if (!live.isUnproven) this.#options.history.forget(state.slot);
      if (before?.trust === state.trust) continue;
      const { trust, reason } = state;
      log.info('endpoint trust', { endpoint: live.endpoint.name, trust, reason });
    }
  }

  /** Until the event thread is back. */
  missEvents(reason: string): void {
    for (const live of this.all) live.missEvents(reason);
  }

  close(): void {
    this.#pollers.close();
  }

  #learn(live: LiveEndpoint, report: EngineReport): void {
    const { healthy } = live.health;
    const before = live.metrics;
    if (live.learn(report)) {
      this.#models.outdated();
      warnOfOtherNames(live);
    }
    const { metrics } = live;
    const startedAt = metrics?.startedAt ?? null;
    if (startedAt !== null && startedAt !== before?.startedAt) {
      this.#events?.started(live.endpoint.slot, startedAt);
    }
    if (metrics?.sleeping === true && before?.sleeping !== true) {
      this.cleared(live, 'the engine sleeps', false);
    }
    if (!healthy && live.health.healthy)
      log.info('endpoint is back', { endpoint: live.endpoint.name });
  }

  #lose(live: LiveEndpoint, reason: string, refused: boolean, witness: HealthWitness): void {
    const { healthy } = live.health;
    live.health.failed(reason, refused, witness);
    // Nobody listens: the process is gone, and its cache with it.
    if (refused) this.#options.history.forget(live.endpoint.slot);
    if (healthy && !live.health.healthy) {
      // Ranks go with their server, as one.
      const { url } = live.endpoint;
      const isFirst = this.all.every(
        (other) => other === live || other.endpoint.url !== url || other.health.healthy,
      );
      if (isFirst) this.#losses += 1;
      log.warn('endpoint is out', { endpoint: live.endpoint.name, reason });
    }
  }
}
