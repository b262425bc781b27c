// Running totals behind the EventCounts that reports carry.
import type { EventCounts } from './event-messages.js';

export type Counts = { -readonly [Name in keyof EventCounts]: number };

export function newCounts(): Counts {
  return {
    batches: 0,
    stored: 0,
    removed: 0,
    cleared: 0,
    malformed: 0,
    ignored: 0,
    gaps: 0,
    restarts: 0,
    replays: 0,
  };
}
