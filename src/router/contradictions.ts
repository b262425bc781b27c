// Whether an engine's answers bear out what is predicted for it. Events can be well formed, in order
// and proven, and yet be another engine's (addresses swapped) or leave something out: only the engine's
// own answers show that.

/** A wrong prediction has innocent causes, such as an eviction in between, but then right ones far
 * outnumber it. */
const DOUBT_AT = 8;
/** So many right ones in a row end any doubt. */
const COUNT_MAX = 16;

export class Contradictions {
  /** Wrong predictions less right ones, never below 0. */
  #balance = 0;
  #isDoubted = false;
  #last = '';

  /** An answer reported at least what was predicted, and that was something. */
  agreed(): void {
    this.#balance = Math.max(0, this.#balance - 1);
    if (this.#balance === 0) this.#isDoubted = false;
  }

  /** An answer reported less; `what` says how much less, and what to look at. */
  contradicted(what: string): void {
    this.#balance = Math.min(COUNT_MAX, this.#balance + 1);
    if (this.#balance >= DOUBT_AT) this.#isDoubted = true;
    this.#last = what;
  }

  /** Why this endpoint's matches are not believed; null: they are. */
  get doubt(): string | null {
    return this.#isDoubted ? `the engine's answers contradict its events: ${this.#last}` : null;
  }
}
