// AttemptBudget: how many engines one request may try. A request that kills the engine it runs on must
// not go through the whole fleet. Where engines die without it as well, it is not what they die of.

/** Engines lost without the request on board that excuse one lost with it: a client that sends a deadly
 * request twice at a time must not have each copy excuse the other. */
const LOSSES_PER_EXCUSE = 2;
/** Bound of all attempts, as a multiple of the usual ones. */
const EXCUSED_FACTOR = 4;

export class AttemptBudget {
  readonly #attempts: number;
  readonly #losses: () => number;
  readonly #lossesBefore: number;
  #used = 0;

  /** `losses`: engines that the fleet has lost so far, however. */
  constructor(attempts: number, losses: () => number) {
    this.#attempts = attempts;
    this.#losses = losses;
    this.#lossesBefore = losses();
  }

  /** Attempts that are left, one that is about to be made included. */
  get left(): number {
    const others = Math.max(0, this.#losses() - this.#lossesBefore - this.#used);
    const excused = Math.floor(others / LOSSES_PER_EXCUSE);
    const blamed = Math.max(0, this.#used - excused);
    return Math.min(this.#attempts - blamed, this.#attempts * EXCUSED_FACTOR - this.#used);
  }

  get used(): number {
    return this.#used;
  }

  use(): void {
    this.#used += 1;
  }
}
