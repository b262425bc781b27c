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

export class BlockPool {
  /** Blocks that requests can use: vLLM's num_gpu_blocks less its null block. */
  readonly usableBlocks: number;
  private free: number;
  private hashed = 0;
  private readonly emptyFirst: boolean;
  private readonly log: Pick<BlockEventLog, 'removed' | 'cleared'> | null;

  private readonly references: Int32Array;
  // Free list; the sentinel `usableBlocks` stands before its head and after its tail.
  private readonly previous: Int32Array;
  private readonly next: Int32Array;
  private readonly sentinel: number;
  // Hash halves of each block, and the ring of its copies; NONE in the ring: no hash.
  private readonly lows: Uint32Array;
  private readonly highs: Uint32Array;
  private readonly previousCopy: Int32Array;
  private readonly nextCopy: Int32Array;
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
    this.references = new Int32Array(usableBlocks);
    this.sentinel = usableBlocks;
    this.previous = Int32Array.from({ length: usableBlocks + 1 }, (_, block) => block - 1);
    this.next = Int32Array.from({ length: usableBlocks + 1 }, (_, block) => block + 1);
    this.previous[0] = this.sentinel;
    this.next[this.sentinel] = 0;
    this.lows = new Uint32Array(usableBlocks);
    this.highs = new Uint32Array(usableBlocks);
    this.previousCopy = new Int32Array(usableBlocks).fill(NONE);
    this.nextCopy = new Int32Array(usableBlocks).fill(NONE);
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
    return this.references[block] === 0;
  }

  /** One more request uses the block. */
  touch(block: number): void {
    const references = this.references[block] ?? 0;
    if (references === 0) this.unlink(block);
    this.references[block] = references + 1;
  }

  /** Takes the least recently used free block; its content is gone. REQUIRES: freeBlocks > 0. */
  allocate(): number {
    const block = this.next[this.sentinel] ?? this.sentinel;
    if (block === this.sentinel) throw new Error('block pool: allocation without a free block');
    this.unlink(block);
    this.references[block] = 1;
    if (this.nextCopy[block] !== NONE) {
      this.log?.removed(this.lows[block] ?? 0, this.highs[block] ?? 0);
      this.forget(block);
    }
    return block;
  }

  /** The block has become full. REQUIRES: in use, without a hash. */
  register(block: number, low: number, high: number): void {
    this.lows[block] = low;
    this.highs[block] = high;
    this.hashed += 1;
    const tag = tagOf(low, high);
    const slot = this.slotOf(low, high, tag);
    const first = this.table[slot] ?? NONE;
    if (first === NONE) {
      this.table[slot] = block;
      this.table[slot + 1] = tag;
      this.previousCopy[block] = block;
      this.nextCopy[block] = block;
      return;
    }
    const last = this.previousCopy[first] ?? first;
    this.nextCopy[last] = block;
    this.previousCopy[block] = last;
    this.nextCopy[block] = first;
    this.previousCopy[first] = block;
  }

  /** One request less uses the block. A request releases its blocks last to first, so that the end
   * of a prefix is evicted before its beginning. */
  release(block: number): void {
    const references = (this.references[block] ?? 0) - 1;
    if (references < 0) throw new Error(`block pool: block ${block} was released twice`);
    this.references[block] = references;
    if (references > 0) return;
    if (this.emptyFirst && this.nextCopy[block] === NONE) this.link(block, this.sentinel);
    else this.link(block, this.previous[this.sentinel] ?? this.sentinel);
  }

  /** Forgets every hash. False, and no change, while any block is in use. */
  reset(): boolean {
    if (this.free !== this.usableBlocks) return false;
    this.table.fill(NONE);
    this.nextCopy.fill(NONE);
    this.hashed = 0;
    this.log?.cleared();
    return true;
  }

  /** Distinct hashes of all blocks with content. */
  hashes(): Set<bigint> {
    const found = new Set<bigint>();
    for (let block = 0; block < this.usableBlocks; block += 1) {
      if (this.nextCopy[block] === NONE) continue;
      found.add((BigInt(this.highs[block] ?? 0) << 32n) | BigInt(this.lows[block] ?? 0));
    }
    return found;
  }

  /** Puts the block into the free list behind `before`. */
  private link(block: number, before: number): void {
    const after = this.next[before] ?? this.sentinel;
    this.next[before] = block;
    this.previous[block] = before;
    this.next[block] = after;
    this.previous[after] = block;
    this.free += 1;
  }

  private unlink(block: number): void {
    const before = this.previous[block] ?? this.sentinel;
    const after = this.next[block] ?? this.sentinel;
    this.next[before] = after;
    this.previous[after] = before;
    this.free -= 1;
  }

  /** Takes the block out of its ring of copies, and the hash out of the table after the last. */
  private forget(block: number): void {
    const low = this.lows[block] ?? 0;
    const high = this.highs[block] ?? 0;
    const slot = this.slotOf(low, high, tagOf(low, high));
    const after = this.nextCopy[block] ?? block;
    this.hashed -= 1;
    this.nextCopy[block] = NONE;
    if (after === block) {
      this.vacate(slot);
      return;
    }
    const before = this.previousCopy[block] ?? block;
    this.nextCopy[before] = after;
    this.previousCopy[after] = before;
    if (this.table[slot] === block) this.table[slot] = after;
  }

  /** Where a hash is in the table, or the empty place where it belongs. */
  private slotOf(low: number, high: number, tag: number): number {
    let slot = (tag * 2) & this.mask;
    for (;;) {
      const block = this.table[slot] ?? NONE;
      if (block === NONE) return slot;
      const isSame =
        this.table[slot + 1] === tag && this.lows[block] === low && this.highs[block] === high;
      if (isSame) return slot;
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
