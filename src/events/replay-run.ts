// Judges and applies the replies of one replay request. A reply may be early, late, doubled, or of
// another process than the one the live stream came from; only a contiguous run is applied.
import { peekTimestamp } from './event-frames.js';
import type { SequenceTracker } from './sequence-tracker.js';

/** What becomes of an endpoint's batches. */
export interface StreamContent {
  /** `relearn`: earlier batches must be read again, because their blocks are now keyed otherwise. */
  apply(payload: Uint8Array, isReplayed: boolean): 'applied' | 'relearn';
  /** The endpoint's blocks are no longer known. */
  forget(reason: string): void;
  /** The engine is a new process: nothing known about it holds. */
  restarted(): void;
}

/** `full`: all the engine still has, replacing what we know. `continue`: what follows the last
 * applied batch, which is asked for again to see that the process is the same. */
export type ReplayKind = 'full' | 'continue';

export type ReplayOutcome = 'done' | 'hole' | 'other-process' | 'failed';

/** Replies ahead of the one expected: more than these and the batches between are lost. */
const EARLY_MAX = 256;
const EARLY_BYTES_MAX = 16 * 1024 * 1024;

export class ReplayRun {
  readonly #tracker: SequenceTracker;
  readonly #content: StreamContent;
  readonly #kind: ReplayKind;
  readonly #base: number | null;
  readonly #early = new Map<number, Uint8Array>();
  #earlyBytes = 0;
  #offered = 0;
  #appliedCount = 0;
  #otherProcess = false;
  #relearn = false;

  constructor(tracker: SequenceTracker, content: StreamContent, kind: ReplayKind) {
    this.#tracker = tracker;
    this.#content = content;
    this.#kind = kind;
    this.#base = kind === 'full' ? null : tracker.applied;
  }

  /** First sequence number to ask for. */
  get start(): number {
    return Math.max(0, this.#base ?? 0);
  }

  get appliedCount(): number {
    return this.#appliedCount;
  }

  get relearn(): boolean {
    return this.#relearn;
  }

  /** False when nothing further is wanted. */
  offer(sequence: number, payload: Uint8Array): boolean {
    this.#offered += 1;
    if (this.#offered === 1 && this.#kind === 'full') this.#startOver('read again by replay');
    const applied = this.#tracker.applied;
    if (applied !== null && sequence === this.#base && sequence === applied) {
      const ts = peekTimestamp(payload);
      this.#otherProcess = !Object.is(ts, this.#tracker.appliedTs);
      return !this.#otherProcess;
    }
    if (applied !== null && sequence <= applied) return true;
    if (applied !== null && sequence > applied + 1) {
      this.#early.set(sequence, payload);
      this.#earlyBytes += payload.length;
      return this.#hasRoom();
    }
    this.#apply(sequence, payload);
    this.#applyEarly();
    return true;
  }

  /** `complete`: the end marker came. */
  outcome(complete: boolean): ReplayOutcome {
    if (this.#otherProcess) return 'other-process';
    if (!this.#hasRoom()) return 'hole';
    if (!complete) return 'failed';
    if (this.#early.size > 0) return 'hole';
    if (this.#offered > 0) return 'done';
    if (this.#kind === 'full') this.#startOver('the engine has nothing to replay');
    // The same process would have sent the last applied batch again.
    return this.#base !== null && this.#base >= 0 ? 'other-process' : 'done';
  }

  /** The batches before the early ones are lost for good: begins anew with what is there. A tail
   * without holes is true as far as it goes, since it has every removal of the blocks it stored. */
  acceptTail(reason: string): void {
    while (this.#early.size > 0) {
      this.#startOver(reason);
      const oldest = Math.min(...this.#early.keys());
      const payload = this.#early.get(oldest);
      if (payload === undefined) return;
      this.#early.delete(oldest);
      this.#apply(oldest, payload);
      this.#applyEarly();
    }
  }

  /** Counts what was ever early, so that a reply in disorder throughout ends as well. */
  #hasRoom(): boolean {
    return this.#early.size <= EARLY_MAX && this.#earlyBytes <= EARLY_BYTES_MAX;
  }

  #startOver(reason: string): void {
    if (this.#tracker.applied !== null) this.#content.forget(reason);
    this.#tracker.reset(null);
  }

  #apply(sequence: number, payload: Uint8Array): void {
    if (this.#content.apply(payload, true) === 'relearn') this.#relearn = true;
    this.#tracker.replayed(sequence, peekTimestamp(payload));
    this.#appliedCount += 1;
  }

  #applyEarly(): void {
    for (;;) {
      const sequence = (this.#tracker.applied ?? 0) + 1;
      const payload = this.#early.get(sequence);
      if (payload === undefined) return;
      this.#early.delete(sequence);
      this.#apply(sequence, payload);
    }
  }
}
