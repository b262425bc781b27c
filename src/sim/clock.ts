// Clock: what engines know of time, and virtual time, which is a queue of events.
import { DueQueue } from './due-queue.js';

export interface Clock {
  /** Microseconds since the clock began. Inside a callback: when it was due, however late it came, so
   * that what follows from it is not late as well. */
  nowUs(): number;
  /** Calls back at `timeUs`, or as soon as may be; callbacks come in the order of their times, those of
   * equal times in the order in which they were asked for. */
  at(timeUs: number, callback: () => void): void;
}

/** Time passes only from one event to the next: same events, same run. */
export class VirtualClock implements Clock {
  private now = 0;
  private readonly queue = new DueQueue();

  nowUs(): number {
    return this.now;
  }

  at(timeUs: number, callback: () => void): void {
    this.queue.add(Math.max(timeUs, this.now), callback);
  }

  /** Runs until nothing is due any more, or until the next event lies after `untilUs`. */
  run(untilUs = Number.POSITIVE_INFINITY): void {
    for (;;) {
      const { firstUs } = this.queue;
      if (firstUs > untilUs) break;
      const callback = this.queue.removeFirst();
      if (callback === undefined) break;
      this.now = firstUs;
      callback();
    }
    if (Number.isFinite(untilUs)) this.now = Math.max(this.now, untilUs);
  }
}
