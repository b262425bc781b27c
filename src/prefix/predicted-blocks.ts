// Blocks that requests in flight are about to put into an endpoint's cache.
//
// Events report a block only after the engine has scheduled it. Without a prediction, a burst of
// requests with one new prefix would scatter over the fleet before the first event arrives. The
// predictions live in an index of their own, written by main at the moment of booking, so that the
// next decision sees them, and are kept apart from what engines have reported.
import type { EndpointSlot } from '../endpoint/endpoint.js';
import { type NativePrefixIndex, native, TIER } from '../native.js';

/** No request waits longer than this for its first token without the prediction being worthless. */
const LIFETIME_MS = 60_000;
/** 64 MiB hold about a million predicted blocks; more are refused, which costs only affinity. */
const MAX_BYTES = 64 * 1024 * 1024;

const NOBODY: ReadonlyMap<EndpointSlot, number> = new Map();

/** Calls back after so many milliseconds, unless the returned function is called before. */
export type After = (ms: number, callback: () => void) => () => void;

const afterRealTime: After = (ms, callback) => {
  const timer = setTimeout(callback, ms).unref();
  return () => clearTimeout(timer);
};

export interface Prediction {
  /** The first token arrived: the engine's own events take over soon. */
  settle(): void;
  /** The request failed: nothing will be cached. */
  cancel(): void;
}

export class PredictedBlocks {
  readonly #index: NativePrefixIndex = new native.PrefixIndex({ maxBytes: MAX_BYTES });
  /** Predictions that hold, by slot; another object after the slot's tenant left. */
  readonly #live = new Map<EndpointSlot, { held: number }>();
  readonly #triples = new Uint32Array(3 * native.maxEndpoints);
  readonly #ttlMs: number;
  readonly #after: After;
  // One decision asks for each endpoint, and endpoints agree on where their match ends: what was
  // found for a request is kept until another one comes, or a prediction does.
  #asked: BigUint64Array | null = null;
  readonly #found = new Map<number, ReadonlyMap<EndpointSlot, number>>();

  /** `ttlMs`: how long a prediction outlives the first token of its request, whose events arrive within
   * a step of it; 0: nothing is predicted. */
  constructor(ttlMs: number, after: After = afterRealTime) {
    this.#ttlMs = ttlMs;
    this.#after = after;
  }

  /** Leading blocks of `hashes` from position `from` on that are predicted for `slot`. */
  extension(slot: EndpointSlot, hashes: BigUint64Array, from: number): number {
    if (!this.#live.has(slot) || from >= hashes.length) return 0;
    if (this.#asked !== hashes) {
      this.#forgetFound();
      this.#asked = hashes;
    }
    let blocks = this.#found.get(from);
    if (blocks === undefined) {
      blocks = this.#match(hashes.subarray(from));
      this.#found.set(from, blocks);
    }
    return blocks.get(slot) ?? 0;
  }

  predict(slot: EndpointSlot, hashes: BigUint64Array): Prediction {
    if (hashes.length === 0 || this.#ttlMs === 0) return { settle() {}, cancel() {} };
    this.#forgetFound();
    this.#index.store(slot, TIER.predicted, hashes);
    const tenant = this.#live.get(slot) ?? { held: 0 };
    this.#live.set(slot, tenant);
    tenant.held += 1;
    let held = true;
    const cancel = () => {
      if (!held) return;
      held = false;
      stopTimer();
      // The blocks of a tenant that left are gone already, and its successor's are not ours.
      if (this.#live.get(slot) !== tenant) return;
      this.#forgetFound();
      this.#index.remove(slot, TIER.predicted, hashes);
      tenant.held -= 1;
      if (tenant.held === 0) this.#live.delete(slot);
    };
    let stopTimer = this.#after(LIFETIME_MS, cancel);
    const settle = () => {
      if (!held) return;
      stopTimer();
      stopTimer = this.#after(this.#ttlMs, cancel);
    };
    return { settle, cancel };
  }

  /** The endpoint left: what it was about to hold says nothing about the next in its slot. */
  forget(slot: EndpointSlot): void {
    if (!this.#live.delete(slot)) return;
    this.#forgetFound();
    this.#index.clear(slot, null);
  }

  #match(hashes: BigUint64Array): ReadonlyMap<EndpointSlot, number> {
    const found = this.#index.match(hashes, this.#triples);
    if (found === 0) return NOBODY;
    const blocks = new Map<EndpointSlot, number>();
    for (let i = 0; i < found; i++) {
      blocks.set(this.#triples[3 * i] ?? 0, this.#triples[3 * i + 1] ?? 0);
    }
    return blocks;
  }

  #forgetFound(): void {
    this.#asked = null;
    if (this.#found.size > 0) this.#found.clear();
  }
}
