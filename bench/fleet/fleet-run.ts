// One run: a workload through one policy to a virtual fleet, request by request.
import type { EngineOptions } from '../../src/sim/engine.js';
import { VirtualFleet } from '../../src/sim/virtual-fleet.js';
import { Flight, type FlightControl, type FlightOutcome } from './flight.js';
import { ItlHistogram } from './itl-histogram.js';
import type { FleetPolicy, FleetRequest, Placement, PolicyKind } from './policy.js';
import { seededRandom } from './random.js';
import { SessionOrder } from './session-order.js';
import type { Workload } from './workload.js';

export interface FleetRunOptions {
  readonly workload: Workload;
  readonly policy: PolicyKind;
  readonly engines: readonly EngineOptions[];
  readonly seed: number;
  readonly eventDelayMs: number;
  readonly scrapeIntervalMs: number;
  /** Routers side by side, each with its own knowledge; a request comes to any of them. */
  readonly replicas: number;
  /** Share of the requests that reach an engine past the routers. */
  readonly bypassShare: number;
  /** Blocks that guessing policies believe an engine to hold; null: the truth. */
  readonly assumedBlocks: number | null;
  readonly prefillTokensPerSecond: number;
  /** What happens to the fleet meanwhile. */
  readonly incidents: readonly Incident[];
  /** Called now and then with the share of requests that have ended. */
  readonly onProgress?: (share: number) => void;
}

export type Incident = { readonly atUs: number } & (
  | { readonly kind: 'engine-restart'; readonly slot: number; readonly downUs: number }
  | { readonly kind: 'engine-joins'; readonly options: EngineOptions }
  | { readonly kind: 'engine-leaves'; readonly slot: number }
  | { readonly kind: 'router-restart' }
);

/** One row per request, in the workload's order; NaN or -1 where it never came to that. */
export interface RunRecord {
  readonly ttftUs: Float64Array;
  readonly e2eUs: Float64Array;
  readonly cachedTokens: Float64Array;
  readonly slots: Int32Array;
  /** 1: the request came past the routers. */
  readonly bypassed: Uint8Array;
  readonly itl: ItlHistogram;
  /** Busy time by engine. */
  readonly busyUs: readonly number[];
  readonly preemptions: number;
  /** Requests that no engine could take, and those that broke off. */
  readonly rejected: number;
  readonly failed: number;
  /** First arrival to last answer. */
  readonly makespanUs: number;
  /** Every policy instance has given back what it had booked. */
  readonly bookingsReleased: boolean;
}

/** vLLM's publisher keeps that many batches for subscribers that start later. */
const REPLAY_BATCHES = 10_000;
const PROGRESS_EVERY = 64;
/** Replicas ask each other for their load that often: the router's default (`peerLoadMs`). */
const PEER_LOAD_US = 200_000;

export function runFleet(options: FleetRunOptions): RunRecord {
  return new FleetRun(options).run();
}

class FleetRun implements FlightControl {
  readonly fleet: VirtualFleet;
  readonly ttftUs: Float64Array;
  readonly e2eUs: Float64Array;
  readonly cachedTokens: Float64Array;
  readonly slots: Int32Array;
  readonly bypassed: Uint8Array;
  readonly itl = new ItlHistogram();
  private readonly options: FleetRunOptions;
  private readonly random: () => number;
  private readonly policies: FleetPolicy[] = [];
  private readonly retiring: FleetPolicy[] = [];
  private readonly unsubscribe = new Map<FleetPolicy, () => void>();
  /** Slots that take requests. */
  private open: number[] = [];
  private readonly order: SessionOrder;
  private ended = 0;
  private rejected = 0;
  private failed = 0;
  private lastUs = 0;
  private instances = 0;

  constructor(options: FleetRunOptions) {
    this.options = options;
    this.order = new SessionOrder(options.workload);
    const count = options.workload.requests.length;
    this.ttftUs = new Float64Array(count).fill(Number.NaN);
    this.e2eUs = new Float64Array(count).fill(Number.NaN);
    this.cachedTokens = new Float64Array(count).fill(-1);
    this.slots = new Int32Array(count).fill(-1);
    this.bypassed = new Uint8Array(count);
    this.random = seededRandom(options.seed);
    const restarts = options.incidents.some(({ kind }) => kind === 'router-restart');
    this.fleet = new VirtualFleet({
      eventDelayUs: options.eventDelayMs * 1000,
      scrapeIntervalUs: options.scrapeIntervalMs * 1000,
      random: seededRandom(options.seed + 1),
      onGaps: (gapUs, tokens) => this.itl.add(gapUs, tokens),
      replayBatches: restarts ? REPLAY_BATCHES : 0,
    });
    for (const engine of options.engines) this.open.push(this.fleet.add(engine));
    for (let i = 0; i < options.replicas; i += 1) this.policies.push(this.startPolicy());
    for (const i of this.policies.keys()) {
      if (options.replicas > 1) this.askPeersLater(i, (PEER_LOAD_US * i) / options.replicas);
    }
  }

  run(): RunRecord {
    const { clock } = this.fleet;
    const { requests } = this.options.workload;
    for (const index of this.order.timed) {
      clock.at(requests[index]?.atUs ?? 0, () => this.arrive(index));
    }
    for (const incident of this.options.incidents) {
      clock.at(incident.atUs, () => this.happen(incident));
    }
    if (requests.length === 0) this.fleet.close();
    clock.run();
    const all = [...this.policies, ...this.retiring];
    const bookingsReleased = all.every((policy) => policy.isIdle);
    for (const policy of all) policy.close?.();
    const slots = Array.from({ length: this.fleet.size }, (_, slot) => slot);
    return {
      ttftUs: this.ttftUs,
      e2eUs: this.e2eUs,
      cachedTokens: this.cachedTokens,
      slots: this.slots,
      bypassed: this.bypassed,
      itl: this.itl,
      busyUs: slots.map((slot) => this.fleet.engine(slot).totals.busyUs),
      preemptions: slots.reduce((sum, slot) => sum + this.fleet.preemptions(slot), 0),
      rejected: this.rejected,
      failed: this.failed,
      makespanUs: this.lastUs - (requests[0]?.atUs ?? 0),
      bookingsReleased,
    };
  }

  private startPolicy(): FleetPolicy {
    const { policy, engines, seed, prefillTokensPerSecond, assumedBlocks } = this.options;
    const { blockSizeTokens = 16, usableBlocks = 1 } = engines[0] ?? {};
    this.instances += 1;
    const instance = policy.create({
      fleet: this.fleet,
      blockSizeTokens,
      assumedBlocks: assumedBlocks ?? usableBlocks,
      prefillTokensPerSecond,
      random: seededRandom(seed * 1000 + this.instances),
    });
    this.unsubscribe.set(instance, this.fleet.observe(instance));
    return instance;
  }

  /** Replica `i` hears now and then what the others have in flight. */
  private askPeersLater(i: number, delayUs: number): void {
    const { clock } = this.fleet;
    clock.at(clock.nowUs() + delayUs, () => {
      const { policies, fleet } = this;
      if (this.ended === this.options.workload.requests.length) return;
      const others = policies.filter((_, at) => at !== i);
      for (let slot = 0; slot < fleet.size; slot += 1) {
        const loads = others.flatMap((peer) => peer.ownLoad?.(slot) ?? []);
        const requests = loads.reduce((sum, load) => sum + load.requests, 0);
        const tokens = loads.reduce((sum, load) => sum + load.tokens, 0);
        policies[i]?.hearPeers?.(slot, { requests, tokens });
      }
      this.askPeersLater(i, PEER_LOAD_US);
    });
  }

  private arrive(index: number): void {
    const spec = this.options.workload.requests[index];
    if (spec === undefined) return;
    const { blockSizeTokens = 16 } = this.options.engines[0] ?? {};
    const hashes = spec.prompt.hashes(blockSizeTokens);
    new Flight(this, index, spec, hashes).send();
  }

  /** Where request `index` goes; null: nowhere. */
  place(index: number, request: FleetRequest): Placement | null {
    const { bypassShare } = this.options;
    const { open, policies, random } = this;
    if (open.length === 0) return null;
    if (bypassShare > 0 && random() < bypassShare) {
      const slot = open[Math.floor(random() * open.length)] ?? 0;
      this.bypassed[index] = 1;
      return { slot, firstToken() {}, end() {} };
    }
    const replica = policies.length === 1 ? 0 : Math.floor(random() * policies.length);
    return policies[replica]?.place(request, open) ?? null;
  }

  /** Request `index` is over; in a closed loop its session goes on. */
  over(index: number, outcome: FlightOutcome): void {
    const { workload, onProgress } = this.options;
    const nowUs = this.fleet.clock.nowUs();
    if (outcome === 'failed') this.failed += 1;
    if (outcome === 'rejected') this.rejected += 1;
    this.ended += 1;
    this.lastUs = nowUs;
    if (this.ended % PROGRESS_EVERY === 0) onProgress?.(this.ended / workload.requests.length);
    const next = this.order.after(index);
    if (next !== null) {
      const { thinkUs } = workload.requests[next] ?? { thinkUs: 0 };
      this.fleet.clock.at(nowUs + thinkUs, () => this.arrive(next));
    }
    if (this.ended === workload.requests.length) this.fleet.close();
  }

  private happen(incident: Incident): void {
    const { fleet } = this;
    switch (incident.kind) {
      case 'engine-restart': {
        const { slot, downUs } = incident;
        this.open = this.open.filter((one) => one !== slot);
        fleet.engine(slot).pause();
        fleet.restart(slot);
        fleet.clock.at(fleet.clock.nowUs() + downUs, () => {
          fleet.engine(slot).resume();
          this.open = [...this.open, slot].sort((a, b) => a - b);
        });
        return;
      }
      case 'engine-joins':
        this.open = [...this.open, fleet.add(incident.options)];
        return;
      case 'engine-leaves':
        // It drains: what runs there goes on.
        this.open = this.open.filter((slot) => slot !== incident.slot);
        fleet.retire(incident.slot);
        return;
      case 'router-restart':
        // The old process drains its requests; the new one takes all that follow.
        for (const old of this.policies) this.unsubscribe.get(old)?.();
        this.retiring.push(...this.policies);
        for (const i of this.policies.keys()) this.policies[i] = this.startPolicy();
    }
  }
}
