// VirtualFleet: engines in virtual time, and what routers hear of them, as late as they hear it.
import type { EngineMetrics } from '../endpoint/engine-metrics.js';
import type { BlockEvent } from './block-events.js';
import { VirtualClock } from './clock.js';
import { Engine, type EngineOptions, type EngineTotals } from './engine.js';

/** A router's ear. Slots are numbers of engines, in the order they were added. */
export interface FleetObserver {
  /** What happened in an engine's cache during one step. */
  onEvents?(slot: number, events: readonly BlockEvent[]): void;
  /** The engine's metrics page. */
  onMetrics?(slot: number, metrics: EngineMetrics): void;
  /** A new process answers at the engine's address. */
  onRestart?(slot: number): void;
}

export interface VirtualFleetOptions {
  /** From the end of a step to the router's index. */
  readonly eventDelayUs: number;
  readonly scrapeIntervalUs: number;
  /** Spreads the scrapes of many engines, in [0, 1). */
  readonly random: () => number;
  /** See Engine. */
  readonly onGaps?: (gapUs: number, tokens: number) => void;
  /** Batches an engine keeps for a router that starts later; vLLM keeps 10,000. */
  readonly replayBatches: number;
}

interface Member {
  readonly engine: Engine;
  readonly options: EngineOptions;
  readonly batches: (readonly BlockEvent[])[];
  /** Totals of processes that ended; a restart sets the engine's own to 0. */
  preemptions: number;
  scraped: boolean;
}

export class VirtualFleet {
  readonly clock = new VirtualClock();
  private readonly options: VirtualFleetOptions;
  private readonly members: Member[] = [];
  /** Each with the first publication it hears live. */
  private readonly observers = new Map<FleetObserver, number>();
  private publications = 0;
  private closed = false;

  constructor(options: VirtualFleetOptions) {
    this.options = options;
  }

  get size(): number {
    return this.members.length;
  }

  /** Returns the engine's slot. */
  add(options: EngineOptions): number {
    const slot = this.members.length;
    const engine = new Engine(
      options,
      this.clock,
      (events) => this.publish(slot, events),
      this.options.onGaps ?? null,
    );
    this.members.push({ engine, options, batches: [], preemptions: 0, scraped: true });
    const { scrapeIntervalUs, random } = this.options;
    this.scrapeLater(slot, scrapeIntervalUs * random());
    return slot;
  }

  engine(slot: number): Engine {
    return this.member(slot).engine;
  }

  optionsOf(slot: number): EngineOptions {
    return this.member(slot).options;
  }

  /** Counts over all processes of the engine. */
  preemptions(slot: number): number {
    const { engine, preemptions } = this.member(slot);
    return preemptions + engine.totals.preemptions;
  }

  totals(slot: number): EngineTotals {
    return this.engine(slot).totals;
  }

  /** The engine is no longer scraped; what it runs goes on. */
  retire(slot: number): void {
    this.member(slot).scraped = false;
  }

  /** A new process takes the engine's place at once: empty cache, requests lost. */
  restart(slot: number): void {
    const member = this.member(slot);
    member.preemptions += member.engine.totals.preemptions;
    member.batches.length = 0;
    member.engine.restart();
    this.tell((observer) => observer.onRestart?.(slot));
  }

  /** Batches that engines still keep are heard first, as by a router that has just started. */
  observe(observer: FleetObserver): () => void {
    for (const [slot, { batches }] of this.members.entries()) {
      for (const batch of batches) observer.onEvents?.(slot, batch);
    }
    this.observers.set(observer, this.publications);
    return () => this.observers.delete(observer);
  }

  /** Nothing is scraped any more, so that the clock comes to its end. */
  close(): void {
    this.closed = true;
  }

  private publish(slot: number, events: readonly BlockEvent[]): void {
    const { replayBatches } = this.options;
    if (replayBatches > 0) {
      const { batches } = this.member(slot);
      batches.push(events);
      if (batches.length > replayBatches * 2) batches.splice(0, batches.length - replayBatches);
    }
    this.tell((observer) => observer.onEvents?.(slot, events));
  }

  private tell(news: (observer: FleetObserver) => void): void {
    const publication = this.publications;
    this.publications += 1;
    if (this.observers.size === 0) return;
    this.clock.at(this.clock.nowUs() + this.options.eventDelayUs, () => {
      for (const [observer, first] of this.observers) if (publication >= first) news(observer);
    });
  }

  private scrapeLater(slot: number, delayUs: number): void {
    this.clock.at(this.clock.nowUs() + delayUs, () => {
      const { engine, options, scraped } = this.member(slot);
      if (this.closed || !scraped) return;
      const metrics = metricsOf(engine, options);
      for (const observer of this.observers.keys()) observer.onMetrics?.(slot, metrics);
      // As EnginePoller spreads its polls.
      const { scrapeIntervalUs, random } = this.options;
      this.scrapeLater(slot, scrapeIntervalUs * (0.9 + 0.2 * random()));
    });
  }

  private member(slot: number): Member {
    const member = this.members[slot];
    if (member === undefined) throw new RangeError(`the fleet has no engine ${slot}`);
    return member;
  }
}

/** What a router reads off the engine's metrics page. */
export function metricsOf(
  engine: Pick<Engine, 'waitingRequests' | 'runningRequests' | 'cacheUsage'>,
  options: Pick<EngineOptions, 'blockSizeTokens' | 'usableBlocks'>,
): EngineMetrics {
  return {
    waitingRequests: engine.waitingRequests,
    runningRequests: engine.runningRequests,
    kvCacheUsage: engine.cacheUsage,
    blockSizeTokens: options.blockSizeTokens,
    hashAlgorithm: null,
    // With vLLM's null block, as its page counts.
    gpuBlocks: options.usableBlocks + 1,
    prefixCaching: true,
    sleeping: false,
    startedAt: null,
    lora: null,
  };
}
