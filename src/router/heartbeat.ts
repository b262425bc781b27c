// Heartbeat: every few seconds a point for the charts, every minute a line in the log.
import { log } from '../log.js';
import type { Metrics } from '../metrics.js';
import type { PrefixIndex } from '../prefix/prefix-index.js';
import type { PoolCounts } from '../tokenizer/tokenizer-pool.js';
import { type TrafficState, WINDOW_MS } from '../traffic/traffic-log.js';
import type { DecisionBook } from './decision-book.js';
import type { Fleet } from './fleet.js';

export interface HeartbeatParts {
  readonly book: DecisionBook;
  readonly fleet: Fleet;
  readonly index: PrefixIndex;
  readonly queue: () => PoolCounts;
  readonly metrics: Metrics;
}

const BEATS_A_SUMMARY = 12;

export class Heartbeat {
  readonly #parts: HeartbeatParts;
  readonly #timer: NodeJS.Timeout;
  #beats = 0;

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#beat(), WINDOW_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const { book, fleet } = this.#parts;
    this.#beats += 1;
    if (this.#beats % BEATS_A_SUMMARY === 0) log.info('last minute', summary(this.#parts));
    book.traffic.roll(Date.now(), stateOf(fleet));
  }
}

export function stateOf(fleet: Fleet): TrafficState {
  let inflightRequests = 0;
  let eventLagSeconds: number | null = null;
  for (const { load, events } of fleet.all) {
    inflightRequests += load.inflightRequests;
    const lag = events?.lagSeconds ?? null;
    if (lag !== null) eventLagSeconds = Math.max(eventLagSeconds ?? 0, lag);
  }
  return { inflightRequests, eventLagSeconds };
}

/** Requests that wait for a tokenizer thread, or for a place at the engines. */
export function queued({ queue, metrics }: Pick<HeartbeatParts, 'queue' | 'metrics'>): number {
  let waiting = queue().waiting;
  for (const { series } of metrics.waitingRequests.all) waiting += series.value;
  return waiting;
}

/** The minute in one line, for those who read logs. */
export function summary(parts: HeartbeatParts): Record<string, unknown> {
  const { book, fleet, index } = parts;
  const minute = book.traffic.lastMinute();
  const { refused } = parts.queue();
  return {
    requests: minute.requests,
    promptTokens: minute.promptTokens,
    matchedTokens: minute.matchedTokens,
    cachedTokens: minute.cachedTokens,
    hitRatioPredicted: rounded(minute.hitPredicted),
    hitRatioActual: rounded(minute.hitActual),
    decisionP50Ms: rounded(minute.decisionMs.quantileMs(0.5)),
    decisionP99Ms: rounded(minute.decisionMs.quantileMs(0.99)),
    firstTokenP50Ms: rounded(minute.firstTokenMs.quantileMs(0.5)),
    firstTokenP99Ms: rounded(minute.firstTokenMs.quantileMs(0.99)),
    inflight: stateOf(fleet).inflightRequests,
    queued: queued(parts),
    refusedSinceStart: refused,
    endpoints: fleet.all.length,
    available: fleet.all.filter(({ available }) => available).length,
    exact: fleet.all.filter(({ trust }) => trust === 'exact').length,
    indexBlocks: index.stats().blocks,
    gapsSinceStart: fleet.all.reduce((sum, { events }) => sum + (events?.counts.gaps ?? 0), 0),
  };
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(3));
}
