// BlockPool: vLLM's KV cache blocks: reference counts, one LRU list of free blocks, hash to blocks.
//
//   free list   head ⇄ b ⇄ b ⇄ … ⇄ tail     allocate pops the head, release appends to the tail,
//                                             a hit takes its block out of the middle
//   hash table  slot -> first copy ⇄ copy ⇄ …  equal blocks are not merged: a hash lives until its
//               (ring)                         last copy is evicted
//
// A free block keeps its content, and so its hash, until it is allocated again. vLLM's null block is
// not part of the pool. After vllm/v1/core/block_pool.py.
import type { BlockEventLog } from './block-events.js';

const NONE = -1;

/** Fields of a block: users, neighbours in the free list, halves of its hash, and its neighbours in the
 * ring of copies (NONE: it has no hash). */
const REFERENCES = 0;
const PREVIOUS = 1;
const NEXT = 2;
const LOW = 3;
const HIGH = 4;
const PREVIOUS_COPY = 5;
const NEXT_COPY = 6;
const WIDTH = 8;

export class BlockPool {
  /** Blocks that requests can use: vLLM's num_gpu_blocks less its null block. */
  readonly usableBlocks: number;
  private free: number;
  private hashed = 0;
  private readonly emptyFirst: boolean;
  private readonly log: Pick<BlockEventLog, 'removed' | 'cleared'> | null;

  // All fields of a block side by side, in one line of the processor's cache; the sentinel
  // `usableBlocks` stands before the head of the free list and after its tail.
  private readonly fields: Int32Array;
  private readonly sentinel: number;
  // Open addressing, linear probing, at most half full. Slot i: at 2i the first copy of a hash, or
  // NONE; at 2i + 1 the hash's tag, so that a probe does not have to look at other blocks.
  private readonly table: Int32Array;
  private readonly mask: number;

  /** `emptyFirst`: released blocks without a hash are the next to be allocated. vLLM appends them
   * like any other. */
  constructor(
    usableBlocks: number,
    log: Pick<BlockEventLog, 'removed' | 'cleared'> | null,
    emptyFirst = false,
  ) {
    if (!Number.isSafeInteger(usableBlocks) || usableBlocks < 1 || usableBlocks > 2 ** 28) {
      throw new RangeError(`a block pool cannot have ${usableBlocks} blocks`);
    }
    this.usableBlocks = usableBlocks;
    this.free = usableBlocks;
    this.log = log;
    this.emptyFirst = emptyFirst;
    this.sentinel = usableBlocks;
    this.fields = new Int32Array((usableBlocks + 1) * WIDTH);
    for (let block = 0; block <= usableBlocks; block += 1) {
      const at = block * WIDTH;
      this.fields[at + PREVIOUS] = block === 0 ? usableBlocks : block - 1;
      this.fields[at + NEXT] = block === usableBlocks ? 0 : block + 1;
      this.fields[at + NEXT_COPY] = NONE;
    }
    const slots = 2 ** Math.ceil(Math.log2(usableBlocks * 2));
    this.table = new Int32Array(slots * 2).fill(NONE);
    this.mask = slots * 2 - 1;
  }

  /** Blocks that no request uses, with content or without. */
  get freeBlocks(): number {
    return this.free;
  }

  get usedBlocks(): number {
    return this.usableBlocks - this.free;
  }

  /** Physical blocks that carry a hash, copies included. */
  get hashedBlocks(): number {
    return this.hashed;
  }

  /** The oldest block with this hash, or -1. */
  find(low: number, high: number): number {
    return this.table[this.slotOf(low, high, tagOf(low, high))] ?? NONE;
  }

  /** Whether a hit on the block takes it off the free list. */
  isFree(block: number): boolean {
    return this.fields[block * WIDTH + REFERENCES] === 0;
  }

  /** One more request uses the block. */
  touch(block: number): void {
    const at = block * WIDTH;
    const references = this.fields[at + REFERENCES] ?? 0;
    if (references === 0) this.unlink(block);
    this.fields[at + REFERENCES] = references + 1;
  }

  /** Takes the least recently used free block; its content is gone. REQUIRES: freeBlocks > 0. */
  allocate(): number {
    const block = this.field(this.sentinel, NEXT);
    if (block === this.sentinel) throw new Error('block pool: allocation without a free block');
    this.unlink(block);
    this.fields[block * WIDTH + REFERENCES] = 1;
    if (this.field(block, NEXT_COPY) !== NONE) {
      this.log?.removed(this.field(block, LOW) >>> 0, this.field(block, HIGH) >>> 0);
      this.forget(block);
    }
    return block;
  }

  /** The block has become full. REQUIRES: in use, without a hash. */
  register(block: number, low: number, high: number): void {
    const { fields } = this;
    const at = block * WIDTH;
    fields[at + LOW] = low;
    fields[at + HIGH] = high;
    this.hashed += 1;
    const tag = tagOf(low, high);
    const slot = this.slotOf(low, high, tag);
    const first = this.table[slot] ?? NONE;
    if (first === NONE) {
      this.table[slot] = block;
      this.table[slot + 1] = tag;
      fields[at + PREVIOUS_COPY] = block;
      fields[at + NEXT_COPY] = block;
      return;
    }
    const last = this.field(first, PREVIOUS_COPY);
    fields[last * WIDTH + NEXT_COPY] = block;
    fields[at + PREVIOUS_COPY] = last;
    fields[at + NEXT_COPY] = first;
    fields[first * WIDTH + PREVIOUS_COPY] = block;
  }

  /** One request less uses the block. A request releases its blocks last to first, so that the end
   * of a prefix is evicted before its beginning. */
  release(block: number): void {
    const references = this.field(block, REFERENCES) - 1;
    if (references < 0) throw new Error(`block pool: block ${block} was released twice`);
    this.fields[block * WIDTH + REFERENCES] = references;
    if (references > 0) return;
    const isEmpty = this.field(block, NEXT_COPY) === NONE;
    const last = this.field(this.sentinel, PREVIOUS);
    this.link(block, this.emptyFirst && isEmpty ? this.sentinel : last);
  }

  /** Forgets every hash. False, and no change, while any block is in use. */
  reset(): boolean {
    if (this.free !== this.usableBlocks) return false;
    this.table.fill(NONE);
    for (let block = 0; block < this.usableBlocks; block += 1) {
      this.fields[block * WIDTH + NEXT_COPY] = NONE;
    }
    this.hashed = 0;
    this.log?.cleared();
    return true;
  }

  /** Distinct hashes of all blocks with content. */
  hashes(): Set<bigint> {
    const found = new Set<bigint>();
    for (let block = 0; block < this.usableBlocks; block += 1) {
      if (this.field(block, NEXT_COPY) === NONE) continue;
      const [low, high] = [this.field(block, LOW) >>> 0, this.field(block, HIGH) >>> 0];
      found.add((BigInt(high) << 32n) | BigInt(low));
    }
    return found;
  }

  /** Puts the block into the free list behind `before`. */
  private link(block: number, before: number): void {
    const { fields } = this;
    const after = this.field(before, NEXT);
    fields[before * WIDTH + NEXT] = block;
    fields[block * WIDTH + PREVIOUS] = before;
    fields[block * WIDTH + NEXT] = after;
    fields[after * WIDTH + PREVIOUS] = block;
    this.free += 1;
  }

  private unlink(block: number): void {
    const before = this.field(block, PREVIOUS);
    const after = this.field(block, NEXT);
    this.fields[before * WIDTH + NEXT] = after;
    this.fields[after * WIDTH + PREVIOUS] = before;
    this.free -= 1;
  }

  /** Takes the block out of its ring of copies, and the hash out of the table after the last. */
  private forget(block: number): void {
    const low = this.field(block, LOW) >>> 0;
    const high = this.field(block, HIGH) >>> 0;
    const slot = this.slotOf(low, high, tagOf(low, high));
    const after = this.field(block, NEXT_COPY);
    this.hashed -= 1;
    this.fields[block * WIDTH + NEXT_COPY] = NONE;
    if (after === block) {
      this.vacate(slot);
      return;
    }
    const before = this.field(block, PREVIOUS_COPY);
    this.fields[before * WIDTH + NEXT_COPY] = after;
    this.fields[after * WIDTH + PREVIOUS_COPY] = before;
    if (this.table[slot] === block) this.table[slot] = after;
  }

  private isHash(block: number, low: number, high: number): boolean {
    const at = block * WIDTH;
    return this.fields[at + LOW] === (low | 0) && this.fields[at + HIGH] === (high | 0);
  }

  private field(block: number, field: number): number {
    return this.fields[block * WIDTH + field] ?? 0;
  }

  /** Where a hash is in the table, or the empty place where it belongs. */
  private slotOf(low: number, high: number, tag: number): number {
    let slot = (tag * 2) & this.mask;
    for (;;) {
      const block = this.table[slot] ?? NONE;
      if (block === NONE) return slot;
      if (this.table[slot + 1] === tag && this.isHash(block, low, high)) return slot;
      slot = (slot + 2) & this.mask;
    }
  }

  /** Empties a slot and moves later entries of its probe run back, so that no gap hides one. */
  private vacate(slot: number): void {
    let hole = slot;
    let probe = slot;
    for (;;) {
      probe = (probe + 2) & this.mask;
      const block = this.table[probe] ?? NONE;
      if (block === NONE) break;
      const tag = this.table[probe + 1] ?? 0;
      const home = (tag * 2) & this.mask;
      // The entry may move if its home is not between the hole and where it is now.
      if (((probe - home) & this.mask) >= ((probe - hole) & this.mask)) {
        this.table[hole] = block;
        this.table[hole + 1] = tag;
        hole = probe;
      }
    }
    this.table[hole] = NONE;
  }
}

/** Spreads hashes over the table (constants of MurmurHash3's finalizer, public domain). Ids of traces
 * are consecutive numbers: runs of eight stay side by side, in one line of the processor's cache. */
function tagOf(low: number, high: number): number {
  let mixed = Math.imul((low >>> 3) ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 13)) & ~7) | (low & 7);
}
