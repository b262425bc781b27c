// Whether a stream may ask its engine for a replay just now.

/** An engine that did not answer a replay is not asked again for this long; gaps are then forgotten
 * at once instead of holding the live stream back each time. */
const REST_MS = 30_000;
/** Replays in a row while repairing one fault; then the blocks are forgotten. */
const REPAIRS_MAX = 4;

export class ReplayAllowance {
  readonly #nowMs: () => number;
  #repairs = 0;
  #restUntilMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Too many have been made in a row. */
  get isSpent(): boolean {
    return this.#repairs >= REPAIRS_MAX;
  }

  get isOpen(): boolean {
    return !this.isSpent && this.#nowMs() >= this.#restUntilMs;
  }

  /** One is made. */
  use(): void {
    this.#repairs += 1;
  }

  /** The engine did not answer. */
  rest(): void {
    this.#restUntilMs = this.#nowMs() + REST_MS;
  }

  /** The engine may answer again. */
  endRest(): void {
    this.#restUntilMs = 0;
  }

  /** The fault is repaired. */
  refill(): void {
    this.#repairs = 0;
  }
}
