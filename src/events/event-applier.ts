// One endpoint's writes to the prefix index.
import type { EndpointSlot } from '../endpoint/endpoint.js';
import { type NativePrefixIndex, TIER, type Tier } from '../native.js';

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

export class EventApplier {
  readonly #index: NativePrefixIndex;
  readonly #slot: EndpointSlot;

  constructor(index: NativePrefixIndex, slot: EndpointSlot) {
    this.#index = index;
    this.#slot = slot;
  }

  store(tier: Tier, hashes: BigUint64Array): void {
    if (hashes.length > 0) this.#index.store(this.#slot, tier, hashes);
  }

  remove(tier: Tier, hashes: BigUint64Array): void {
    if (hashes.length > 0) this.#index.remove(this.#slot, tier, hashes);
  }

  /** `null`: all tiers. */
  clear(tier: Tier | null): void {
    this.#index.clear(this.#slot, tier);
  }
}
