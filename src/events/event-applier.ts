// One endpoint's writes to the prefix index: decoded events, or whole batches as they came.
import type { EndpointSlot } from '../endpoint/endpoint.js';
import {
  EVENT_COUNT,
  EVENT_COUNTS,
  type NativePrefixIndex,
  native,
  TIER,
  type Tier,
} from '../native.js';
import type { Counts } from './event-counts.js';
import type { GroupFilter } from './group-filter.js';

/** Names vary (`GPU`, `CPU`, `cpu`, `FS`, `OBJ`, `STORAGE`); old connectors send none from the GPU. */
export function tierOf(medium: string | null): Tier {
  switch (medium?.toLowerCase() ?? 'gpu') {
    case 'gpu':
      return TIER.gpu;
    case 'cpu':
      return TIER.cpu;
    default:
      return TIER.storage;
  }
}

/** What a batch applied whole says of itself. */
export interface AppliedBatch {
  /** Unix time in seconds, by the engine's clock. */
  readonly ts: number;
  readonly storedSome: boolean;
  /** A removal could not be read. */
  readonly lostRemovals: boolean;
  /** Stores from the start of a prompt: some have keys, and the largest block size among them. */
  readonly keyedRoots: boolean;
  readonly rootBlockSize: number;
}

/** Written by each call of the native decoder; this thread is its only user. */
const batchCounts = new Float64Array(EVENT_COUNTS);

export class EventApplier {
  readonly #index: NativePrefixIndex;
  readonly #slot: EndpointSlot;
  /** Whether batches can be applied whole: only the native index is known to the native decoder. */
  readonly takesBatches: boolean;

  constructor(index: NativePrefixIndex, slot: EndpointSlot) {
    this.#index = index;
    this.#slot = slot;
    this.takesBatches = index instanceof native.PrefixIndex;
  }

  /** `parent` is the block before the first, if there is one. */
  store(tier: Tier, hashes: BigUint64Array, parent: bigint | null): void {
    if (hashes.length > 0) this.#index.store(this.#slot, tier, hashes, parent);
  }

  remove(tier: Tier, hashes: BigUint64Array): void {
    if (hashes.length > 0) this.#index.remove(this.#slot, tier, hashes);
  }

  /** `null`: all tiers. */
  clear(tier: Tier | null): void {
    this.#index.clear(this.#slot, tier);
  }

  /** Applies a batch by the engine's own hashes and adds to `counts`; null when it cannot be read, in
   * which case nothing was applied. Equal to decoding it and applying its events one by one. */
  applyBatch(
    payload: Uint8Array,
    rank: number | null,
    groups: GroupFilter,
    counts: Counts,
  ): AppliedBatch | null {
    const { words } = groups;
    const fault = native.applyEvents(this.#index, this.#slot, rank, payload, words, batchCounts);
    if (fault !== null) {
      counts.malformed += 1;
      return null;
    }
    const of = (name: keyof typeof EVENT_COUNT) => batchCounts[EVENT_COUNT[name]] ?? 0;
    const stored = of('stored');
    counts.batches += 1;
    counts.stored += stored;
    counts.removed += of('removed');
    counts.cleared += of('cleared');
    counts.malformed += of('malformed');
    counts.ignored += of('ignored');
    return {
      ts: of('timestamp'),
      storedSome: stored > 0,
      lostRemovals: of('lostRemovals') > 0,
      keyedRoots: of('keyedRoots') > 0,
      rootBlockSize: of('rootBlockSize'),
    };
  }
}
