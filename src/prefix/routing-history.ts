// What endpoints without events probably hold: the prompts that were sent there, forgotten in the
// order in which an engine's cache would.
//
// An index of its own, written and read by main only. A request's blocks are stored once for each
// request that had them, and taken back when the request is forgotten: a block stays for as long as
// some remembered request has it, which is least-recently-used without a list of blocks.
import type { EndpointSlot } from '../endpoint/endpoint.js';
import { type NativePrefixIndex, native, TIER } from '../native.js';

export interface HistoryLimits {
  /** Blocks of an engine that does not say how many it has: half a million tokens at 16. */
  readonly defaultBlocks: number;
  /** A prompt not sent again for this long counts as evicted, although the cache may have room:
   * other clients of the engine fill it without our knowing. */
  readonly lifetimeMs: number;
  /** Hashes remembered over all endpoints, 8 bytes each, besides the index. */
  readonly hashesMax: number;
  readonly indexBytes: number;
}

const LIMITS: HistoryLimits = {
  defaultBlocks: 32_768,
  lifetimeMs: 600_000,
  hashesMax: 16_000_000,
  indexBytes: 256 * 1024 * 1024,
};

/** Hashes remembered for each block of an engine: prompts of one conversation repeat their prefix. */
const HASHES_PER_BLOCK = 4;
const SWEEP_EVERY_MS = 1000;
const TRIPLE = 3;

interface Sent {
  readonly hashes: BigUint64Array;
  readonly atMs: number;
}

interface Memory {
  /** Oldest first, from `head` on. */
  sent: Sent[];
  head: number;
  hashes: number;
  capacityBlocks: number;
}

export class RoutingHistory {
  readonly #limits: HistoryLimits;
  readonly #nowMs: () => number;
  readonly #index: NativePrefixIndex;
  readonly #memories = new Map<EndpointSlot, Memory>();
  readonly #triples = new Uint32Array(TRIPLE * native.maxEndpoints);
  #hashes = 0;
  #sweptMs = 0;

  constructor(nowMs: () => number, limits: Partial<HistoryLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
    this.#nowMs = nowMs;
    this.#index = new native.PrefixIndex({ maxBytes: this.#limits.indexBytes });
  }

  /** No endpoint is estimated: the case in which this must cost nothing. */
  get isEmpty(): boolean {
    return this.#memories.size === 0;
  }

  /** Hashes remembered over all endpoints. */
  get size(): number {
    return this.#hashes;
  }

  /** The endpoint has computed these blocks. `capacityBlocks` null: the engine does not say. The
   * hashes are kept, not copied. */
  record(slot: EndpointSlot, hashes: BigUint64Array, capacityBlocks: number | null): void {
    if (hashes.length === 0) return;
    const memory = this.#memories.get(slot) ?? { sent: [], head: 0, hashes: 0, capacityBlocks: 0 };
    this.#memories.set(slot, memory);
    memory.capacityBlocks = capacityBlocks ?? this.#limits.defaultBlocks;
    this.#index.store(slot, TIER.gpu, hashes);
    memory.sent.push({ hashes, atMs: this.#nowMs() });
    memory.hashes += hashes.length;
    this.#hashes += hashes.length;
    this.#shrink(slot, memory);
  }

  /** Triples (endpoint, leading blocks, credit) as of the index; reused by the next call. */
  match(hashes: BigUint64Array): Uint32Array {
    if (this.isEmpty || hashes.length === 0) return this.#triples.subarray(0, 0);
    this.#sweep();
    const found = this.#index.match(hashes, this.#triples);
    return this.#triples.subarray(0, found * TRIPLE);
  }

  /** The endpoint's cache is empty, or its events tell more than we can guess. */
  forget(slot: EndpointSlot): void {
    const memory = this.#memories.get(slot);
    if (memory === undefined) return;
    this.#memories.delete(slot);
    this.#hashes -= memory.hashes;
    this.#index.clear(slot, null);
  }

  #shrink(slot: EndpointSlot, memory: Memory): void {
    const { hashesMax } = this.#limits;
    const hashesHere = HASHES_PER_BLOCK * memory.capacityBlocks;
    const isTooMuch = () =>
      this.#hashes > hashesMax ||
      memory.hashes > hashesHere ||
      this.#index.blocksOf(slot, TIER.gpu) > memory.capacityBlocks;
    while (memory.head < memory.sent.length && isTooMuch()) this.#dropOldest(slot, memory);
  }

  #sweep(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#sweptMs < SWEEP_EVERY_MS) return;
    this.#sweptMs = nowMs;
    const oldestMs = nowMs - this.#limits.lifetimeMs;
    for (const [slot, memory] of this.#memories) {
      while ((memory.sent[memory.head]?.atMs ?? nowMs) < oldestMs) this.#dropOldest(slot, memory);
      if (memory.head === memory.sent.length) this.#memories.delete(slot);
    }
  }

  #dropOldest(slot: EndpointSlot, memory: Memory): void {
    const oldest = memory.sent[memory.head];
    if (oldest === undefined) return;
    this.#index.remove(slot, TIER.gpu, oldest.hashes);
    memory.head += 1;
    memory.hashes -= oldest.hashes.length;
    this.#hashes -= oldest.hashes.length;
    if (memory.head * 2 <= memory.sent.length) return;
    memory.sent = memory.sent.slice(memory.head);
    memory.head = 0;
  }
}
