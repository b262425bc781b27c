// WallClock: real time, in which callbacks are late by the machine but not by each other.
//
// The time inside a callback is the one it was due at, and callbacks come in the order of their times.
// An engine's steps and arrivals are therefore those of virtual time, however late timers are: lateness
// does not add up over steps, and a request that arrived during a step is not in it because both were
// called at once.
import type { Clock } from './clock.js';
import { DueQueue } from './due-queue.js';

/** How late callbacks came, in real milliseconds. */
export interface ClockLag {
  readonly callbacks: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Callbacks whose lag is kept for the percentiles. */
const LAG_SAMPLES = 4096;
/** A starved machine does that to a process; one that was stopped for longer was stopped on purpose. */
const CATCH_UP_MS = 1000;
/** Timers count whole milliseconds: a callback may be early by half of one. */
const EARLY_MS = 0.5;

/** Real time, which may pass `speedup` times faster. */
export class WallClock implements Clock {
  private readonly startMs = performance.now();
  private readonly usPerMs: number;
  private readonly catchUpMs: number;
  private readonly queue = new DueQueue();
  private timer: NodeJS.Timeout | undefined;
  private turn: NodeJS.Immediate | undefined;
  /** When the queue is looked at next. */
  private wakeUs = Number.POSITIVE_INFINITY;
  /** Time of the latest callback. */
  private latestUs = 0;
  private calling = false;
  private closed = false;
  private readonly lags = new Float64Array(LAG_SAMPLES);
  private callbacks = 0;
  private maxMs = 0;

  /** Lateness up to `catchUpMs`, in real time, is made up; after a longer stall the time is lost, as it
   * is in an engine. */
  constructor(speedup = 1, catchUpMs = CATCH_UP_MS) {
    if (!(speedup > 0)) throw new RangeError(`speedup must be above 0, not ${speedup}`);
    this.usPerMs = 1000 * speedup;
    this.catchUpMs = catchUpMs;
  }

  nowUs(): number {
    return this.calling ? this.latestUs : Math.max(this.realUs(), this.latestUs);
  }

  at(timeUs: number, callback: () => void): void {
    if (this.closed) return;
    this.queue.add(timeUs, callback);
    if (!this.calling) this.wakeForFirst();
  }

  lag(): ClockLag {
    const kept = this.lags.slice(0, Math.min(this.callbacks, LAG_SAMPLES)).sort();
    const quantile = (share: number) => kept[Math.floor(share * (kept.length - 1))] ?? 0;
    const [p50Ms, p99Ms] = [quantile(0.5), quantile(0.99)];
    return { callbacks: this.callbacks, p50Ms, p99Ms, maxMs: this.maxMs };
  }

  /** Nothing is called any more. */
  close(): void {
    this.closed = true;
    this.queue.clear();
    this.wakeForFirst();
  }

  private realUs(): number {
    return (performance.now() - this.startMs) * this.usPerMs;
  }

  private wakeForFirst(): void {
    const { firstUs } = this.queue;
    if (firstUs === this.wakeUs) return;
    clearTimeout(this.timer);
    clearImmediate(this.turn);
    this.wakeUs = firstUs;
    if (firstUs === Number.POSITIVE_INFINITY) return;
    const waitMs = (firstUs - this.realUs()) / this.usPerMs;
    if (waitMs > EARLY_MS) this.timer = setTimeout(() => this.callDue(), Math.round(waitMs));
    // Timers have a resolution of a millisecond; what is due already must not wait for one.
    else this.turn = setImmediate(() => this.callDue());
  }

  private callDue(): void {
    const { queue } = this;
    this.wakeUs = Number.POSITIVE_INFINITY;
    // What callbacks ask for comes in a later turn of the event loop, and what is due after it too:
    // sockets must get theirs, however far behind we are.
    const { nextOrder } = queue;
    try {
      for (;;) {
        const { firstUs, firstOrder } = queue;
        const realUs = this.realUs();
        if (firstOrder >= nextOrder || firstUs > realUs + EARLY_MS * this.usPerMs) break;
        const callback = queue.removeFirst();
        if (callback !== undefined) this.call(firstUs, callback, realUs);
      }
    } finally {
      this.wakeForFirst();
    }
  }

  private call(dueUs: number, callback: () => void, realUs: number): void {
    const lagMs = Math.max(0, (realUs - dueUs) / this.usPerMs);
    this.lags[this.callbacks % LAG_SAMPLES] = lagMs;
    this.callbacks += 1;
    this.maxMs = Math.max(this.maxMs, lagMs);
    this.latestUs = Math.max(this.latestUs, lagMs > this.catchUpMs ? realUs : dueUs);
    this.calling = true;
    try {
      callback();
    } finally {
      this.calling = false;
    }
  }
}
