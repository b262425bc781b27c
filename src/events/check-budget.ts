// How many streams may be checked for a lost end in a second, over all endpoints.

/** A check opens a socket to the engine and costs some 0.5 ms here: these many take 5 % of a core,
 * however many engines fall silent at once. */
const CHECKS_PER_SECOND = 100;

export class CheckBudget {
  #free = CHECKS_PER_SECOND;
  #countedMs = Number.NEGATIVE_INFINITY;

  /** False: not now. */
  take(nowMs: number): boolean {
    const earned = ((nowMs - this.#countedMs) / 1000) * CHECKS_PER_SECOND;
    this.#free = Math.min(CHECKS_PER_SECOND, this.#free + Math.max(0, earned));
    this.#countedMs = nowMs;
    if (this.#free < 1) return false;
    this.#free -= 1;
    return true;
  }
}
