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

interface Due {
  readonly timeUs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time passes only from one event to the next: same events, same run. */
export class VirtualClock implements Clock {
  private now = 0;
  private order = 0;
  // Binary heap, the earliest first.
  private readonly heap: Due[] = [];

  nowUs(): number {
    return this.now;
  }

  at(timeUs: number, callback: () => void): void {
    const due = { timeUs: Math.max(timeUs, this.now), order: this.order, callback };
    this.order += 1;
    const heap = this.heap;
    let child = heap.length;
    heap.push(due);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, due)) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = due;
  }

  resumeUs(dueUs: number): number {
    return dueUs;
  }

  /** Runs until nothing is due any more, or until the next event lies after `untilUs`. */
  run(untilUs = Number.POSITIVE_INFINITY): void {
    for (;;) {
      const first = this.heap[0];
      if (first === undefined || first.timeUs > untilUs) break;
      this.removeFirst();
      this.now = first.timeUs;
      first.callback();
    }
    if (Number.isFinite(untilUs)) this.now = Math.max(this.now, untilUs);
  }

  private removeFirst(): void {
    const heap = this.heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let parent = 0;
    for (;;) {
      const left = parent * 2 + 1;
      const [first, second] = [heap[left], heap[left + 1]];
      if (first === undefined) break;
      const child = second !== undefined && isBefore(second, first) ? left + 1 : left;
      const below = child === left ? first : second;
      if (below === undefined || isBefore(last, below)) break;
      heap[parent] = below;
      parent = child;
    }
    heap[parent] = last;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.timeUs < b.timeUs || (a.timeUs === b.timeUs && a.order < b.order);
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
