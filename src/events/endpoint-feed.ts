// Everything the event thread does for one endpoint: its publishers' streams, its blocks, its state.
import type { Trust } from '../endpoint/endpoint.js';
import type { NativePrefixIndex } from '../native.js';
import type { Prover } from './block-keying.js';
import type { CheckBudget } from './check-budget.js';
import { EndpointBlocks } from './endpoint-blocks.js';
import { EndpointStream } from './endpoint-stream.js';
import { EventApplier } from './event-applier.js';
import { newCounts } from './event-counts.js';
import type { EventSource, EventState } from './event-messages.js';
import type { HeldBudget } from './held-messages.js';
import type { RehashBudget } from './rehasher.js';
import type { KnownPosition } from './snapshot-desk.js';
import type { EndpointPosition } from './snapshot-messages.js';
import type { News } from './state-reporter.js';
import type { ReplayService } from './stream-repair.js';

/** What all feeds share. */
export interface FeedSetup {
  readonly index: NativePrefixIndex;
  readonly prove: Prover;
  readonly heldBudget: HeldBudget;
  readonly rehashBudget: RehashBudget;
  readonly nowMs: () => number;
  /** Replays from an address until the signal comes. */
  readonly replayFrom: (address: string, signal: AbortSignal) => ReplayService;
  readonly checks: CheckBudget;
  readonly changed: (feed: EndpointFeed, news: News) => void;
}

/** Ranks of one endpoint that names none; each has a publisher that counts for itself. */
const RANKS_MAX = 256;

export class EndpointFeed {
  readonly source: EventSource;
  readonly #setup: FeedSetup;
  readonly #counts = newCounts();
  readonly #blocks: EndpointBlocks;
  readonly #streams = new Map<number, EndpointStream>();
  readonly #closing = new AbortController();
  #connected = false;
  /** Something answers at the address that is no publisher. */
  #refused = false;
  #lastTrust: Trust = 'none';
  /** Why no events can come; null: they can. */
  #obstacle: string | null = null;

  /** `known`: its blocks are in the index already, as of a snapshot. */
  constructor(source: EventSource, setup: FeedSetup, known: KnownPosition | null = null) {
    this.source = source;
    this.#setup = setup;
    const changed = () => this.#changed();
    this.#blocks = new EndpointBlocks({
      source,
      applier: new EventApplier(setup.index, source.slot),
      prove: setup.prove,
      counts: this.#counts,
      rehashBudget: setup.rehashBudget,
      nowMs: setup.nowMs,
      changed,
    });
    if (known === null) return;
    const { settings, groups, streams } = known.position;
    this.#blocks.resume(settings, groups);
    for (const position of streams) {
      this.#streamOf(position.publisher)?.resume(position, known.writtenMs);
    }
  }

  /** Where its streams stand, if the index holds just the blocks that their batches leave and these
   * are keyed by the engine's own hashes; else null. */
  position(): EndpointPosition | null {
    const { keying, settings } = this.#blocks;
    if (keying !== 'exact' || settings === null || this.#streams.size === 0) return null;
    const streams = [...this.#streams].map(([publisher, stream]) => {
      const { position } = stream;
      return position === null ? null : { publisher, ...position };
    });
    const known = streams.filter((position) => position !== null);
    if (known.length < streams.length) return null;
    return { slot: this.source.slot, settings, groups: this.#blocks.groups, streams: known };
  }

  /** `publisher` tells apart the publishers behind one topic: their data-parallel rank. */
  receive(sequence: number, payload: Uint8Array, publisher: number): void {
    if (!this.#connected) this.#setConnected(true);
    const stream = this.#streamOf(publisher);
    if (stream === null) this.#counts.ignored += 1;
    else stream.receive(sequence, payload);
    this.#setup.changed(this, 'counters');
  }

  malformed(): void {
    this.#counts.malformed += 1;
    this.#setup.changed(this, 'counters');
  }

  connected(): void {
    this.#setConnected(true);
    this.#streamOf(0)?.connected();
  }

  refused(): void {
    if (this.#refused) return;
    this.#refused = true;
    this.#changed();
  }

  disconnected(): void {
    this.#setConnected(false);
    for (const stream of this.#streams.values()) stream.disconnected();
  }

  processStarted(unixSeconds: number): void {
    for (const stream of this.#streams.values()) stream.processStarted(unixSeconds);
  }

  /** No events will come, for a reason only the operator can remove. */
  obstructed(reason: string): void {
    this.#obstacle = reason;
    this.#changed();
  }

  clear(reason: string, everywhere: boolean): void {
    if (everywhere) this.#blocks.forget(reason);
    else this.#blocks.cleared();
    this.#setup.changed(this, 'counters');
  }

  close(): void {
    this.abandon();
    this.#blocks.close();
  }

  /** Its blocks stay in the index. */
  abandon(): void {
    this.#closing.abort();
    for (const stream of this.#streams.values()) stream.close();
  }

  state(): EventState {
    const { slot, epoch } = this.source;
    return {
      slot,
      epoch,
      ...this.#trust(),
      settings: this.#blocks.settings,
      connected: this.#connected,
      isBeingRepaired: [...this.#streams.values()].some(({ doubt }) => doubt !== null),
      sequence: this.#streams.values().next().value?.sequence ?? null,
      counts: { ...this.#counts },
      lagSeconds: this.#blocks.lagSeconds,
    };
  }

  #trust(): { trust: Trust; reason: string } {
    const { connect } = this.source;
    if (this.#obstacle !== null) return { trust: 'none', reason: this.#obstacle };
    if (!this.#connected) {
      if (connect === null) return { trust: 'degraded', reason: 'no event received yet' };
      const why = this.#refused ? ': what answers there is no event publisher' : '';
      return { trust: 'degraded', reason: `not connected to ${connect}${why}` };
    }
    for (const { doubt } of this.#streams.values()) {
      if (doubt !== null) return { trust: 'degraded', reason: doubt };
    }
    const { keying, reason } = this.#blocks;
    return { trust: keying === 'unproven' ? 'degraded' : keying, reason };
  }

  /** Trust, settings or connection may have changed. */
  #changed(): void {
    const { trust } = this.#trust();
    const fell = trust !== this.#lastTrust && (trust === 'degraded' || trust === 'none');
    this.#lastTrust = trust;
    this.#setup.changed(this, fell ? 'doubt' : 'state');
  }

  #setConnected(connected: boolean): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    if (connected) this.#refused = false;
    this.#changed();
  }

  #streamOf(publisher: number): EndpointStream | null {
    const known = this.#streams.get(publisher);
    if (known !== undefined) return known;
    if (this.#streams.size >= RANKS_MAX) return null;
    const { heldBudget, checks, nowMs } = this.#setup;
    const stream = new EndpointStream({
      content: this.#blocks,
      service: this.#serviceOf(publisher),
      counts: this.#counts,
      budget: heldBudget,
      checks,
      nowMs,
      changed: () => this.#changed(),
    });
    this.#streams.set(publisher, stream);
    return stream;
  }

  #serviceOf(publisher: number): ReplayService | null {
    const { replay, dataParallelRank } = this.source;
    if (replay === null) return null;
    // vLLM shifts the replay port by the rank as it does the event port.
    const address = dataParallelRank === null ? shiftPort(replay, publisher) : replay;
    return this.#setup.replayFrom(address, this.#closing.signal);
  }
}

function shiftPort(address: string, by: number): string {
  return by === 0 ? address : address.replace(/:(\d+)$/, (_, port) => `:${Number(port) + by}`);
}
