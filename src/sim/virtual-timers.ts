// Timers of a virtual clock that can be stopped. A stopped one keeps nothing alive, and timers of the
// same delay, which end in the order in which they began, take one place in the clock's queue.
import type { VirtualClock } from './clock.js';

interface Timer {
  readonly dueUs: number;
  callback: (() => void) | null;
}

/** Calls back after so many milliseconds, unless the returned function is called before. */
export function virtualTimers(clock: VirtualClock) {
  const byDelay = new Map<number, TimersOfOneDelay>();
  return (ms: number, callback: () => void): (() => void) => {
    const timers = byDelay.get(ms) ?? new TimersOfOneDelay(clock, ms * 1000);
    byDelay.set(ms, timers);
    return timers.start(callback);
  };
}

class TimersOfOneDelay {
  private readonly clock: VirtualClock;
  private readonly delayUs: number;
  /** Oldest first, from `head` on. */
  private timers: Timer[] = [];
  private head = 0;
  private waits = false;

  constructor(clock: VirtualClock, delayUs: number) {
    this.clock = clock;
    this.delayUs = delayUs;
  }

  start(callback: () => void): () => void {
    const timer: Timer = { dueUs: this.clock.nowUs() + this.delayUs, callback };
    this.timers.push(timer);
    if (!this.waits) this.waitFor(timer);
    return () => {
      timer.callback = null;
    };
  }

  private waitFor({ dueUs }: Timer): void {
    this.waits = true;
    this.clock.at(dueUs, () => this.ring());
  }

  /** The first timer is due, and those after it at the same time. Stopped ones are passed over. */
  private ring(): void {
    const nowUs = this.clock.nowUs();
    for (let timer = this.timers[this.head]; timer !== undefined; timer = this.timers[this.head]) {
      if (timer.callback !== null && timer.dueUs > nowUs) {
        this.timers = this.timers.slice(this.head);
        this.head = 0;
        this.waitFor(timer);
        return;
      }
      this.head += 1;
      timer.callback?.();
    }
    this.timers = [];
    this.head = 0;
    this.waits = false;
  }
}
