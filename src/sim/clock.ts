// Clock: virtual time (a queue of events) and wall-clock time behind one contract.

export interface Clock {
  /** Microseconds since the clock began. */
  nowUs(): number;
  /** Calls back at `timeUs`, in real time as near to it as timers come; virtual events of equal
   * times keep their order. */
  at(timeUs: number, callback: () => void): void;
  /** When work that was due at `dueUs` goes on: then, if the delay is a timer's, else now. */
  resumeUs(dueUs: number): number;
}

const FIRST_LENGTH = 1024;

/** Time passes only from one event to the next: same events, same run. */
export class VirtualClock implements Clock {
  private now = 0;
  private order = 0;
  // Binary heap, the earliest first, of equal times the one that was set first. Numbers and callbacks
  // lie in arrays of their own: an object for each event costs more than all else the clock does.
  private size = 0;
  private times = new Float64Array(FIRST_LENGTH);
  private orders = new Float64Array(FIRST_LENGTH);
  private readonly callbacks: (() => void)[] = [];

  nowUs(): number {
    return this.now;
  }

  at(timeUs: number, callback: () => void): void {
    const time = Math.max(timeUs, this.now);
    if (this.size === this.times.length) this.grow();
    const { times, orders, callbacks } = this;
    let child = this.size;
    this.size += 1;
    // The newest has the highest order: it passes only what is later.
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = times[parent] ?? 0;
      if (above <= time) break;
      times[child] = above;
      orders[child] = orders[parent] ?? 0;
      callbacks[child] = callbacks[parent] ?? callback;
      child = parent;
    }
    times[child] = time;
    orders[child] = this.order;
    callbacks[child] = callback;
    this.order += 1;
  }

  resumeUs(dueUs: number): number {
    return dueUs;
  }

  /** Runs until nothing is due any more, or until the next event lies after `untilUs`. */
  run(untilUs = Number.POSITIVE_INFINITY): void {
    while (this.size > 0) {
      const time = this.times[0] ?? 0;
      if (time > untilUs) break;
      const callback = this.removeFirst();
      this.now = time;
      callback?.();
    }
    if (Number.isFinite(untilUs)) this.now = Math.max(this.now, untilUs);
  }

  private removeFirst(): (() => void) | undefined {
    const { times, orders, callbacks } = this;
    const first = callbacks[0];
    this.size -= 1;
    const { size } = this;
    const time = times[size] ?? 0;
    const order = orders[size] ?? 0;
    const callback = callbacks.pop();
    if (size === 0 || callback === undefined) return first;
    let parent = 0;
    for (;;) {
      let child = parent * 2 + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && this.isBefore(right, times[child] ?? 0, orders[child] ?? 0)) {
        child = right;
      }
      if (!this.isBefore(child, time, order)) break;
      times[parent] = times[child] ?? 0;
      orders[parent] = orders[child] ?? 0;
      callbacks[parent] = callbacks[child] ?? callback;
      parent = child;
    }
    times[parent] = time;
    orders[parent] = order;
    callbacks[parent] = callback;
    return first;
  }

  private isBefore(entry: number, time: number, order: number): boolean {
    const own = this.times[entry] ?? 0;
    return own < time || (own === time && (this.orders[entry] ?? 0) < order);
  }

  private grow(): void {
    const { times, orders } = this;
    this.times = new Float64Array(times.length * 2);
    this.times.set(times);
    this.orders = new Float64Array(orders.length * 2);
    this.orders.set(orders);
  }
}

/** How late callbacks came, in real milliseconds. */
export interface ClockLag {
  readonly callbacks: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Callbacks whose lag is kept for the percentiles. */
const LAG_SAMPLES = 4096;
/** Lateness that later steps make up. */
const MAX_CATCH_UP_MS = 20;

/** Real time, which may pass `speedup` times faster. */
export class WallClock implements Clock {
  private readonly startMs = performance.now();
  private readonly usPerMs: number;
  private readonly pending = new Set<NodeJS.Timeout | NodeJS.Immediate>();
  private readonly lags = new Float64Array(LAG_SAMPLES);
  private callbacks = 0;
  private maxMs = 0;

  constructor(speedup = 1) {
    if (!(speedup > 0)) throw new RangeError(`speedup must be above 0, not ${speedup}`);
    this.usPerMs = 1000 * speedup;
  }

  nowUs(): number {
    return (performance.now() - this.startMs) * this.usPerMs;
  }

  at(timeUs: number, callback: () => void): void {
    const waitMs = (timeUs - this.nowUs()) / this.usPerMs;
    const fire = () => {
      this.pending.delete(handle);
      this.recordLag(waitMs > 0 ? (this.nowUs() - timeUs) / this.usPerMs : 0);
      callback();
    };
    // Timers have a resolution of a millisecond; what is due already must not wait for one.
    const handle = waitMs > 0 ? setTimeout(fire, waitMs) : setImmediate(fire);
    this.pending.add(handle);
  }

  // A timer comes up to a millisecond late: steps would take longer than they should. After a real
  // stall the time is lost, as it is in an engine.
  resumeUs(dueUs: number): number {
    const nowUs = this.nowUs();
    return nowUs - dueUs > MAX_CATCH_UP_MS * this.usPerMs ? nowUs : dueUs;
  }

  lag(): ClockLag {
    const kept = this.lags.slice(0, Math.min(this.callbacks, LAG_SAMPLES)).sort();
    const quantile = (share: number) => kept[Math.floor(share * (kept.length - 1))] ?? 0;
    const [p50Ms, p99Ms] = [quantile(0.5), quantile(0.99)];
    return { callbacks: this.callbacks, p50Ms, p99Ms, maxMs: this.maxMs };
  }

  /** Nothing is called any more. */
  close(): void {
    for (const handle of this.pending) {
      if ('hasRef' in handle && 'refresh' in handle) clearTimeout(handle);
      else clearImmediate(handle);
    }
    this.pending.clear();
  }

  private recordLag(lagMs: number): void {
    // A timer may also be a fraction of a millisecond early.
    this.lags[this.callbacks % LAG_SAMPLES] = Math.max(0, lagMs);
    this.callbacks += 1;
    this.maxMs = Math.max(this.maxMs, lagMs);
  }
}
