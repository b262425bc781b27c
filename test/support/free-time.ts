// Time as a program would have had it on a machine of its own.
import { performance } from 'node:perf_hooks';

export interface FreeTime {
  /** Milliseconds since the start, less those in which this process got no turn. */
  stop(): number;
}

/** A tick that comes later than this was held up by something else than timers' own rounding. */
const TICK_MS = 1;
const LATE_MS = 4;

/** Between two ticks that come late the whole event loop stood still: other processes had the cores, or
 * a collection ran. What is being measured was as little at work as the ticks, and is not charged. */
export function freeTime(): FreeTime {
  const startMs = performance.now();
  let lastMs = startMs;
  let lostMs = 0;
  const look = () => {
    const nowMs = performance.now();
    lostMs += Math.max(0, nowMs - lastMs - TICK_MS - LATE_MS);
    lastMs = nowMs;
  };
  const ticker = setInterval(look, TICK_MS);
  return {
    stop() {
      clearInterval(ticker);
      look();
      return performance.now() - startMs - lostMs;
    },
  };
}
