// Looks now and then whether a stream has fallen silent.
import type { SequenceTracker } from './sequence-tracker.js';

/** A stream that has been silent for this long is asked for its end, once: a lost batch shows by the
 * number of the next one, and there may be none for hours. */
const SILENCE_MS = 500;

export class SilenceTimer {
  readonly #tracker: Pick<SequenceTracker, 'applied'>;
  readonly #look: (isSilent: boolean) => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(tracker: Pick<SequenceTracker, 'applied'>, look: (isSilent: boolean) => void) {
    this.#tracker = tracker;
    this.#look = look;
  }

  /** Looks once, later; an earlier call that has not looked yet stands for this one too. */
  start(): void {
    if (this.#timer !== null) return;
    const seen = this.#tracker.applied;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#look(this.#tracker.applied === seen);
    }, SILENCE_MS);
    this.#timer.unref();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
