// Which trusts endpoints have had, as the router's own decisions saw them.
import type { Trust } from '../../src/endpoint/endpoint.js';
import type { Fleet } from '../../src/router/fleet.js';

export class TrustHistory {
  readonly #fleet: Fleet;
  readonly #seen = new Map<string, Set<Trust>>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    const take = fleet.eventStates.bind(fleet);
    // Two reports may come in one turn of the loop: looking from time to time would miss one.
    fleet.eventStates = (states) => {
      take(states);
      this.#look();
    };
  }

  /** Forgets what was before. */
  forget(): void {
    this.#seen.clear();
  }

  went(endpoint: string, trust: Trust): boolean {
    return this.#seen.get(endpoint)?.has(trust) === true;
  }

  /** All endpoints have this trust now. */
  all(trust: Trust): boolean {
    return this.#fleet.all.every((live) => live.trust === trust);
  }

  available(endpoint: string): boolean {
    return this.#fleet.all.some((live) => live.endpoint.name === endpoint && live.available);
  }

  #look(): void {
    for (const { endpoint, trust } of this.#fleet.all) {
      const seen = this.#seen.get(endpoint.name) ?? new Set();
      this.#seen.set(endpoint.name, seen.add(trust));
    }
  }
}
