// The event thread's work without the thread: feeds by slot, and who gets which message.
import { log } from '../log.js';
import { type NativePrefixIndex, type NativeSnapshotIndex, native } from '../native.js';
import { proveHashing } from '../prefix/hash-prover.js';
import type { Prover } from './block-keying.js';
import { CheckBudget } from './check-budget.js';
import { EndpointFeed, type FeedSetup } from './endpoint-feed.js';
import { type EventMessage, peekRank } from './event-frames.js';
import type { EventCommand, EventReport, EventSource, EventThreadData } from './event-messages.js';
import {
  CentralSubscription,
  createEventContext,
  EngineSubscription,
  openReplaySocket,
  type Subscription,
  type SubscriptionHandler,
} from './event-subscriber.js';
import { HeldBudget } from './held-messages.js';
import { MsgpackError } from './msgpack-walker.js';
import { RehashBudget } from './rehasher.js';
import { REPLAY_IDLE_MS, requestReplay } from './replay-client.js';
import { ReplayTurns } from './replay-turns.js';
import { SnapshotDesk } from './snapshot-desk.js';
import { StateReporter } from './state-reporter.js';
import type { ReplayService } from './stream-repair.js';
import { TopicDirectory } from './topic-directory.js';

export interface HubOptions {
  readonly data: EventThreadData;
  readonly index: NativePrefixIndex;
  readonly report: (report: EventReport) => void;
  readonly prove?: Prover;
  /** Wall clock: batches carry unix time. */
  readonly nowMs?: () => number;
  readonly replayIdleMs?: number;
}

/** How often the index is looked after when events do not: each time takes at most some 0.5 ms, and
 * is followed by the next soon while there is more to do. */
const MAINTENANCE_MS = 50;
const MORE_MAINTENANCE_MS = 1;
/** Each replay fills libzmq's queue with up to 10,000 batches. */
const REPLAYS_AT_ONCE = 8;

interface Seat {
  readonly feed: EndpointFeed;
  readonly subscription: Subscription | null;
}

export class EventHub {
  readonly #options: HubOptions;
  readonly #context = createEventContext(native.maxEndpoints);
  readonly #seats = new Map<number, Seat>();
  readonly #topics: TopicDirectory;
  readonly #reporter: StateReporter<EndpointFeed>;
  readonly #turns = new ReplayTurns(REPLAYS_AT_ONCE);
  readonly #feedSetup: FeedSetup;
  /** null: the index is not the native one. */
  readonly #snapshots: SnapshotDesk | null;
  #maintenance: NodeJS.Timeout | null = null;
  #central: CentralSubscription | null = null;

  constructor(options: HubOptions) {
    this.#options = options;
    const { report } = options;
    const nowMs = options.nowMs ?? Date.now;
    this.#topics = new TopicDirectory((topic) => report({ type: 'unknown-topic', topic }));
    this.#reporter = new StateReporter((feeds) => {
      report({ type: 'state', states: feeds.map((feed) => feed.state()) });
    });
    this.#feedSetup = {
      index: options.index,
      prove: options.prove ?? proveHashing,
      heldBudget: new HeldBudget(),
      rehashBudget: new RehashBudget(),
      nowMs,
      replayFrom: (address, signal) => this.#replayFrom(address, signal),
      checks: new CheckBudget(),
      changed: (feed, news) => this.#reporter.mark(feed, news),
    };
    const feeds = () => [...this.#seats.values()].map(({ feed }) => feed);
    this.#snapshots = isNative(options.index) ? new SnapshotDesk(options.index, feeds) : null;
    this.#maintain();
  }

  /** Binds in central mode, then reports `ready`. Rejects with ConfigError when it cannot bind. */
  async start(): Promise<void> {
    const { bind, topicPrefix, inherited = [] } = this.#options.data;
    for (const slot of inherited) this.#options.index.clear(slot, null);
    if (bind !== null) {
      const handler = {
        message: (message: EventMessage) => this.#dispatch(message),
        fault: (reason: string) => log.debug('event message not readable', { reason }),
      };
      this.#central = await CentralSubscription.bind(this.#context, bind, topicPrefix, handler);
    }
    this.#options.report({ type: 'ready', boundTo: this.#central?.address ?? null });
  }

  command(command: EventCommand): void {
    switch (command.type) {
      case 'add':
        this.#remove(command.source.slot);
        this.#add(command.source);
        break;
      case 'remove':
        this.#remove(command.slot);
        break;
      case 'clear':
        this.#seats.get(command.slot)?.feed.clear(command.reason, command.everywhere);
        break;
      case 'started':
        this.#seats.get(command.slot)?.feed.processStarted(command.startedAt);
        break;
      case 'export': {
        const step = this.#snapshots?.export(command) ?? NO_SNAPSHOTS;
        this.#options.report({ type: 'exported', step });
        break;
      }
      case 'import-begin':
      case 'import-slice':
      case 'import-end':
        this.#options.report({
          type: 'imported',
          fault: this.#snapshots === null ? NO_SNAPSHOTS.reason : this.#snapshots.import(command),
        });
        break;
      case 'close':
        this.close();
        break;
    }
  }

  close(): void {
    this.#central?.close();
    this.#central = null;
    this.#topics.close();
    for (const slot of [...this.#seats.keys()]) this.#remove(slot);
    this.#reporter.close();
    if (this.#maintenance !== null) clearTimeout(this.#maintenance);
  }

  /** After a fault: lets go of all sockets and timers. The index is left as it is. */
  abandon(): void {
    this.#central?.close();
    this.#topics.close();
    this.#reporter.close();
    if (this.#maintenance !== null) clearTimeout(this.#maintenance);
    for (const { feed, subscription } of this.#seats.values()) {
      subscription?.close();
      feed.abandon();
    }
    this.#seats.clear();
  }

  #maintain(): void {
    const more = this.#options.index.maintain();
    const pauseMs = more ? MORE_MAINTENANCE_MS : MAINTENANCE_MS;
    this.#maintenance = setTimeout(() => this.#maintain(), pauseMs);
    this.#maintenance.unref();
  }

  #add(source: EventSource): void {
    const known = this.#snapshots?.claim(source.slot) ?? null;
    // A thread that died may have taken a snapshot in for it.
    const isInherited = this.#options.data.inherited !== undefined && known === null;
    if (isInherited) this.#options.index.clear(source.slot, null);
    const feed = new EndpointFeed(source, this.#feedSetup, known);
    let subscription: Subscription | null = null;
    if (source.connect !== null) {
      try {
        subscription = new EngineSubscription(this.#context, source.connect, handlerOf(feed));
      } catch (error) {
        feed.obstructed(error instanceof Error ? error.message : String(error));
      }
    } else if (this.#central === null) {
      feed.obstructed('no event address is configured');
    }
    this.#seats.set(source.slot, { feed, subscription });
    if (source.connect === null) this.#topics.add(source);
    this.#reporter.mark(feed, 'state');
  }

  #remove(slot: number): void {
    const seat = this.#seats.get(slot);
    if (seat === undefined) return;
    this.#seats.delete(slot);
    seat.subscription?.close();
    this.#topics.remove(seat.feed.source);
    seat.feed.close();
    this.#reporter.forget(seat.feed);
    this.#options.report({ type: 'removed', slot, epoch: seat.feed.source.epoch });
  }

  /** Central mode: the topic names the endpoint, the batch its rank. */
  #dispatch({ topic, sequence, payload }: EventMessage): void {
    let rank: number | null = null;
    try {
      rank = peekRank(payload);
    } catch (error) {
      // Without a rank the topic alone decides, and the decoder counts what is wrong.
      if (!(error instanceof MsgpackError)) throw error;
    }
    const name = Buffer.from(topic.buffer, topic.byteOffset, topic.length).toString();
    const source = this.#topics.find(name, rank);
    if (source === null) return;
    this.#seats.get(source.slot)?.feed.receive(sequence, payload, rank ?? 0);
  }

  #replayFrom(address: string, signal: AbortSignal): ReplayService {
    const idleMs = this.#options.replayIdleMs ?? REPLAY_IDLE_MS;
    return {
      turn: () => this.#turns.next(),
      request: async (start, offer) => {
        if (signal.aborted) return 'failed';
        try {
          const socket = openReplaySocket(this.#context, address, idleMs);
          const stop = () => socket.close();
          signal.addEventListener('abort', stop, { once: true });
          const end = await requestReplay(socket, start, offer);
          signal.removeEventListener('abort', stop);
          if (end === 'failed' && !signal.aborted) log.warn('replay not answered', { address });
          return end;
        } catch (error) {
          log.warn('no replay', { address, reason: String(error) });
          return 'failed';
        }
      },
    };
  }
}

const NO_SNAPSHOTS = { kind: 'failed', reason: 'this index has no snapshots' } as const;

function isNative(index: NativePrefixIndex): index is NativeSnapshotIndex {
  return index instanceof native.PrefixIndex;
}

function handlerOf(feed: EndpointFeed): SubscriptionHandler {
  return {
    message: ({ sequence, payload }) => feed.receive(sequence, payload, 0),
    fault: (reason) => {
      feed.malformed();
      log.debug('event message not readable', { endpoint: feed.source.name, reason });
    },
    connected: () => feed.connected(),
    disconnected: () => feed.disconnected(),
    refused: () => feed.refused(),
  };
}
