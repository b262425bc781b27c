// Which endpoints each model is to have, and the steps from those it has: lists come whole, so that one
// that was missed, came twice or came late does no harm.
import type { Endpoint, EndpointSpec, WantedEndpoint } from '../endpoint/endpoint.js';
import { ConfigError } from '../errors.js';
import { log } from '../log.js';

/** The fleet, as far as its roster changes it. */
export interface RosterTarget {
  add(spec: EndpointSpec): RosterMember;
  remove(name: string): void;
}

export interface RosterMember {
  readonly endpoint: Endpoint;
  draining: boolean;
  joining: boolean;
}

/** Names of the endpoints that a new list concerned. */
export interface RosterChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Could not join: a name or address that is taken, or no free slot. */
  readonly refused: readonly string[];
}

interface Seat {
  readonly member: RosterMember;
  readonly wanted: WantedEndpoint;
}

export class EndpointRoster {
  readonly #target: RosterTarget;
  readonly #seats = new Map<string, Map<string, Seat>>();
  readonly #refused = new Map<string, readonly WantedEndpoint[]>();

  constructor(target: RosterTarget) {
    this.#target = target;
  }

  set(model: string, wanted: readonly WantedEndpoint[]): RosterChange {
    const seats = this.#seats.get(model) ?? new Map<string, Seat>();
    this.#seats.set(model, seats);
    const known = new Set((this.#refused.get(model) ?? []).map(keyOf));
    // The old list is over: a slot that becomes free on the way must not bring it back.
    this.#refused.delete(model);
    const removed = this.#removeAbsent(model, seats, wanted);
    const { added, refused } = this.#addMissing(model, seats, wanted, known);
    for (const one of wanted) {
      const seat = seats.get(one.name);
      if (seat === undefined || seat.member.draining === one.draining) continue;
      seat.member.draining = one.draining;
      log.info(one.draining ? 'endpoint drains' : 'endpoint takes requests again', {
        endpoint: one.name,
      });
    }
    return { added, removed, refused };
  }

  /** A slot became free: those that found none try again. */
  retry(): void {
    for (const [model, wanted] of [...this.#refused]) {
      const seats = this.#seats.get(model);
      if (seats !== undefined) this.#addMissing(model, seats, wanted, new Set(wanted.map(keyOf)));
    }
  }

  #removeAbsent(
    model: string,
    seats: Map<string, Seat>,
    wanted: readonly WantedEndpoint[],
  ): string[] {
    const keys = new Set(wanted.map(keyOf));
    const removed = [...seats.values()].filter((seat) => !keys.has(keyOf(seat.wanted)));
    for (const { wanted: gone } of removed) {
      this.#target.remove(gone.name);
      seats.delete(gone.name);
      log.info('endpoint left', { endpoint: gone.name, model });
    }
    return removed.map((seat) => seat.wanted.name);
  }

  /** `known` were refused before: that is said once. */
  #addMissing(
    model: string,
    seats: Map<string, Seat>,
    wanted: readonly WantedEndpoint[],
    known: ReadonlySet<string>,
  ): Pick<RosterChange, 'added' | 'refused'> {
    const added: string[] = [];
    const refused: WantedEndpoint[] = [];
    for (const one of wanted) {
      const seat = seats.get(one.name);
      if (seat !== undefined && keyOf(seat.wanted) === keyOf(one)) continue;
      try {
        seats.set(one.name, { member: this.#join(model, one), wanted: one });
        added.push(one.name);
        log.info('endpoint joined', { endpoint: one.name, model, url: one.url });
      } catch (failure) {
        if (!(failure instanceof ConfigError)) throw failure;
        refused.push(one);
        if (!known.has(keyOf(one))) log.warn('endpoint refused', { reason: failure.message });
      }
    }
    if (refused.length > 0) this.#refused.set(model, refused);
    else this.#refused.delete(model);
    return { added, refused: refused.map(({ name }) => name) };
  }

  #join(model: string, wanted: WantedEndpoint): RosterMember {
    const { identity: _, draining, ...spec } = wanted;
    const member = this.#target.add({ ...spec, model });
    member.draining = draining;
    member.joining = true;
    return member;
  }
}

/** Equal keys, the same engine reached the same way. */
function keyOf(wanted: WantedEndpoint): string {
  const { name, identity, url, kvEvents, kvReplay, dataParallelRank } = wanted;
  return JSON.stringify([name, identity, url, kvEvents, kvReplay, dataParallelRank]);
}
