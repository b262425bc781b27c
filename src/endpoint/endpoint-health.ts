// Whether an endpoint may get requests: what polls say and what requests met, with hysteresis, so
// that one lost packet does not take an engine out and one lucky poll does not bring it back.

/** Failures in a row that take an endpoint out; a refused connection counts as `SEVERE`. */
const FAILURES_MAX = 3;
const SEVERE = 3;
/** Successful polls in a row that bring it back. */
const SUCCESSES_MIN = 2;

export class EndpointHealth {
  #failures = 0;
  #successes = 0;
  /** An endpoint starts out healthy: the first request may be quicker than the first poll. */
  #healthy = true;
  #reason = '';

  get healthy(): boolean {
    return this.#healthy;
  }

  /** Why it is out; empty while healthy. */
  get reason(): string {
    return this.#reason;
  }

  /** A poll or a request succeeded. Requests reach only healthy endpoints, so polls bring one back. */
  succeeded(): void {
    this.#failures = 0;
    if (this.#healthy) return;
    this.#successes++;
    if (this.#successes < SUCCESSES_MIN) return;
    this.#healthy = true;
    this.#reason = '';
  }

  /** `refused`: nobody listens at the address, which no patience will change. */
  failed(reason: string, refused: boolean): void {
    this.#successes = 0;
    this.#failures += refused ? SEVERE : 1;
    if (this.#failures < FAILURES_MAX) return;
    this.#healthy = false;
    this.#reason = reason;
  }
}
