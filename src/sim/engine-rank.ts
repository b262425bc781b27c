// EngineRank: one data-parallel rank of a simulated server: its own engine, cache and publisher.
import { Engine } from './engine.js';
import { EngineCounters } from './engine-counters.js';
import type { EventSchema } from './event-encoder.js';
import type { EventFaults } from './event-faults.js';
import { EventFeed } from './event-feed.js';
import { EventPublisher } from './event-publisher.js';
import { engineOptionsOf, type SimOptions } from './sim-options.js';
import type { TokenSequence } from './token-sequence.js';
import type { WallClock } from './wall-clock.js';

export class EngineRank {
  readonly rank: number;
  readonly engine: Engine<TokenSequence>;
  readonly counters = new EngineCounters();
  private readonly feed: EventFeed | null;

  /** Rejects with ConfigError when the address of the events is taken. */
  static async start(options: SimOptions, clock: WallClock, rank: number): Promise<EngineRank> {
    return new EngineRank(options, clock, rank, await startFeed(options, rank));
  }

  private constructor(options: SimOptions, clock: WallClock, rank: number, feed: EventFeed | null) {
    this.rank = rank;
    this.feed = feed;
    // Without prefix caching no block is cached, so there is nothing to announce.
    const onEvents = feed === null || !options.prefixCaching ? null : feed.push.bind(feed);
    this.engine = new Engine(engineOptionsOf(options), clock, onEvents);
  }

  /** Where subscribers find the events; null without events. */
  get kvEvents(): string | null {
    return this.feed?.publisher.address ?? null;
  }

  get kvReplay(): string | null {
    return this.feed?.publisher.replayAddress ?? null;
  }

  get eventFaults(): EventFaults | null {
    return this.feed?.publisher.faults ?? null;
  }

  /** What the cache holds now, as the integers that events carry. */
  blockHashes(): Set<bigint> {
    return this.engine.blockHashes();
  }

  /** Sends frames on the event socket as they are. */
  sendEventFrames(frames: readonly Buffer[]): void {
    this.feed?.publisher.sendRaw(frames);
  }

  /** As a process that dies and is back at once: requests break, the pool is empty, event numbers
   * begin at 0 again. */
  restart(): void {
    this.feed?.restart();
    this.engine.restart();
  }

  close(): void {
    this.feed?.publisher.close();
  }
}

async function startFeed(options: SimOptions, rank: number): Promise<EventFeed | null> {
  const { kvEvents, kvReplay, eventSchema, hashesAsBytes, ...others } = options;
  if (kvEvents === null) return null;
  const publisher = await EventPublisher.start({
    ...others,
    endpoint: kvEvents,
    replayEndpoint: kvReplay,
    dataParallelRank: rank,
  });
  const schema = schemaOf(eventSchema);
  return new EventFeed(publisher, { schema, hashesAsBytes, dataParallelRank: rank });
}

function schemaOf(name: SimOptions['eventSchema']): EventSchema {
  if (name === 'map') return 'S10';
  return name === 'array' ? 'S8' : name;
}
