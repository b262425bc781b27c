// Whether an endpoint may get requests: what polls say and what requests met, with hysteresis, so
// that one lost packet does not take an engine out and one lucky poll does not bring it back.

export interface HealthThresholds {
  /** Failures in a row that take an endpoint out; a refused connection counts as all of them. */
  readonly failuresToUnhealthy: number;
  /** Successful polls in a row that bring it back. */
  readonly successesToHealthy: number;
}

export const DEFAULT_THRESHOLDS: HealthThresholds = {
  failuresToUnhealthy: 3,
  successesToHealthy: 2,
};

/** An engine whose polls succeed while every request fails is brought back after 2, 4, 8 .. times
 * the usual successes, up to this many doublings. */
const RELAPSES_MAX = 6;

/** Who met the success or failure. They are counted apart: a page that answers says nothing about
 * requests that fail. */
export type HealthWitness = 'poll' | 'request';

export class EndpointHealth {
  readonly #thresholds: HealthThresholds;
  readonly #failures: Record<HealthWitness, number> = { poll: 0, request: 0 };
  #successes = 0;
  /** Times in a row that requests took it out, with none of them successful in between. */
  #relapses = 0;
  /** An endpoint starts out healthy: the first request may be quicker than the first poll. */
  #healthy = true;
  #reason = '';
  /** Since it went out nobody listened at its address for a while. */
  #wasGone = false;

  constructor(thresholds: HealthThresholds = DEFAULT_THRESHOLDS) {
    this.#thresholds = thresholds;
  }

  get healthy(): boolean {
    return this.#healthy;
  }

  /** Why it is out; empty while healthy. */
  get reason(): string {
    return this.#reason;
  }

  /** Out because its process was gone, and somebody listens again and is well: worth a try where there
   * is nobody else. One that is out because it answers polls and no requests is not. */
  get isReturning(): boolean {
    return !this.#healthy && this.#wasGone && this.#successes > 0;
  }

  /** Requests in flight may end well on an endpoint that is out; only polls bring it back. */
  succeeded(witness: HealthWitness = 'poll'): void {
    this.#failures[witness] = 0;
    if (witness === 'request') {
      // An answered request outweighs slow polls: a busy engine serves before it reports.
      this.#failures.poll = 0;
      if (this.#healthy) this.#relapses = 0;
      return;
    }
    if (this.#healthy) return;
    this.#successes += 1;
    if (this.#successes < this.#thresholds.successesToHealthy * 2 ** this.#relapses) return;
    this.#healthy = true;
    this.#wasGone = false;
    this.#reason = '';
    this.#failures.request = 0;
  }

  /** `refused`: nobody listens at the address, which no patience will change. */
  failed(reason: string, refused: boolean, witness: HealthWitness = 'poll'): void {
    const { failuresToUnhealthy } = this.#thresholds;
    this.#successes = 0;
    this.#failures[witness] += refused ? failuresToUnhealthy : 1;
    if (this.#failures[witness] < failuresToUnhealthy) return;
    this.#reason = reason;
    if (refused) this.#wasGone = true;
    if (!this.#healthy) return;
    this.#healthy = false;
    // A refused connection says that the engine is gone, not that it lies to polls.
    if (witness === 'request' && !refused) {
      this.#relapses = Math.min(RELAPSES_MAX, this.#relapses + 1);
    }
  }
}
