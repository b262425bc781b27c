// Judges the sequence numbers of one publisher. vLLM counts batches from 0 in each process, so a
// number that goes back means a new process, and one that jumps means lost batches.

export type Verdict =
  | { readonly kind: 'first' | 'next' | 'duplicate' | 'restart' }
  /** Batches `from` to `to` are missing. */
  | { readonly kind: 'gap'; readonly from: number; readonly to: number };

const FIRST: Verdict = { kind: 'first' };
const NEXT: Verdict = { kind: 'next' };
const DUPLICATE: Verdict = { kind: 'duplicate' };
const RESTART: Verdict = { kind: 'restart' };

export class SequenceTracker {
  /** Last batch applied, live or replayed; -1: none exists yet, 0 must be next; null: unknown. */
  #applied: number | null = null;
  #appliedTs = Number.NaN;
  /** Of the first batch since all was forgotten. */
  #oldestTs = Number.NaN;
  /** Last batch seen on the live stream. A replay runs ahead of it, and then the live stream brings
   * numbers at or below `applied` without any restart. */
  #live = -1;
  #liveTs = Number.NaN;

  get applied(): number | null {
    return this.#applied;
  }

  /** Time stamp of the last applied batch: together with its number it names the process. */
  get appliedTs(): number {
    return this.#appliedTs;
  }

  /** Whether a batch applied was made before `unixSeconds`, by the engine's clock. */
  reachesBefore(unixSeconds: number): boolean {
    return this.#oldestTs < unixSeconds;
  }

  /** Says what a live message is; changes nothing. */
  judge(sequence: number, ts: number): Verdict {
    const applied = this.#applied;
    if (applied === null) return FIRST;
    if (sequence === applied + 1) return NEXT;
    if (sequence > applied) return { kind: 'gap', from: applied + 1, to: sequence - 1 };
    if (sequence < this.#live) return RESTART;
    // The same number again is the same batch only if it was made at the same time.
    if (sequence === this.#live) return Object.is(ts, this.#liveTs) ? DUPLICATE : RESTART;
    // Below a replay: the old process made this batch no later than the last one replayed.
    return ts > this.#appliedTs ? RESTART : DUPLICATE;
  }

  /** A live message was applied. */
  advance(sequence: number, ts: number): void {
    this.#take(sequence, ts);
    this.sawLive(sequence, ts);
  }

  /** A live message was a duplicate. */
  sawLive(sequence: number, ts: number): void {
    this.#live = sequence;
    this.#liveTs = ts;
  }

  /** A replayed batch was applied. */
  replayed(sequence: number, ts: number): void {
    this.#take(sequence, ts);
  }

  /** Nothing is known (null), or the process is known to have published nothing (-1). */
  reset(applied: null | -1): void {
    this.#applied = applied;
    this.#appliedTs = Number.NaN;
    this.#oldestTs = Number.NaN;
    this.#live = -1;
    this.#liveTs = Number.NaN;
  }

  #take(sequence: number, ts: number): void {
    if (Number.isNaN(this.#oldestTs)) this.#oldestTs = ts;
    this.#applied = sequence;
    this.#appliedTs = ts;
  }
}
