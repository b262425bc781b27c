// A policy made of a choice and the router's own count of what is in flight.
import { InflightLoad } from '../../../src/endpoint/inflight-load.js';
import { maxEndpoints } from '../../../src/prefix/prefix-index.js';
import type { FleetObserver } from '../../../src/sim/virtual-fleet.js';
import type { FleetPolicy, FleetRequest, Placement } from '../policy.js';

export interface Chosen {
  readonly slot: number;
  /** Prompt tokens the engine is expected to compute. */
  readonly uncachedTokens: number;
  /** The request has its first token: called at most once. */
  firstToken?(): void;
  /** The request is over: called once, after `firstToken` or instead of it. */
  end?(): void;
}

export type Choose = (
  request: FleetRequest,
  slots: readonly number[],
  load: InflightLoad,
) => Chosen;

/** `observer` hears what the choice needs to know of the engines. */
export function bookedPolicy(
  choose: Choose,
  observer: FleetObserver & { close?(): void } = {},
): FleetPolicy {
  const load = new InflightLoad(maxEndpoints);
  let open = 0;
  const place = (request: FleetRequest, slots: readonly number[]): Placement => {
    const chosen = choose(request, slots, load);
    const { uncachedTokens } = chosen;
    const { promptTokens } = request;
    const booking = load.book(chosen.slot, { uncachedTokens, promptTokens, streams: true });
    open += 1;
    return {
      slot: chosen.slot,
      firstToken() {
        booking.firstToken();
        chosen.firstToken?.();
      },
      end() {
        booking.end();
        chosen.end?.();
        open -= 1;
      },
    };
  };
  return {
    place,
    get isIdle() {
      return open === 0;
    },
    ...(observer.onEvents && { onEvents: (slot, events) => observer.onEvents?.(slot, events) }),
    ...(observer.onMetrics && { onMetrics: (slot, page) => observer.onMetrics?.(slot, page) }),
    ...(observer.onRestart && { onRestart: (slot) => observer.onRestart?.(slot) }),
    ...(observer.close && { close: () => observer.close?.() }),
  };
}

/** The slot with the least `cost`; ties evenly at random. REQUIRES: at least one slot. */
export function cheapest(
  slots: readonly number[],
  cost: (slot: number) => number,
  random: () => number,
): number {
  let best = slots[0] ?? 0;
  let least = Number.POSITIVE_INFINITY;
  let tied = 0;
  for (const slot of slots) {
    const one = cost(slot);
    if (one > least) continue;
    tied = one < least ? 1 : tied + 1;
    // The n-th of equals replaces the earlier ones with probability 1/n.
    if (tied === 1 || random() * tied < 1) best = slot;
    least = one;
  }
  return best;
}

/** Blocks of the prompt that an engine can find in its cache: the last token is always computed. */
export function hitLimit({ promptTokens, hashes }: FleetRequest, blockSizeTokens: number): number {
  return Math.min(hashes.length, Math.floor((promptTokens - 1) / blockSizeTokens));
}
