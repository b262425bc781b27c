// BlockTable: from a hash to the blocks that carry it.
//
//   slot -> first copy ⇄ copy ⇄ … (ring)     equal blocks are not merged: a hash lives until its last
//                                            copy is evicted

export const NONE = -1;

/** Fields of a block that are the table's: halves of its hash, and its neighbours in the ring of copies
 * (NONE: it has no hash). The first three are the pool's. */
export const LOW = 3;
export const HIGH = 4;
const PREVIOUS_COPY = 5;
export const NEXT_COPY = 6;
export const WIDTH = 8;

export class BlockTable {
  /** Of all blocks, WIDTH each: side by side, in one line of the processor's cache. */
  private readonly fields: Int32Array;
  private readonly blocks: number;
  // Open addressing, linear probing, at most half full. Slot i: at 2i the first copy of a hash, or
  // NONE; at 2i + 1 the hash's tag, so that a probe does not have to look at other blocks.
  private readonly table: Int32Array;
  private readonly mask: number;

  /** `fields` may have more than `blocks`: those never have a hash. */
  constructor(fields: Int32Array, blocks: number) {
    const slots = 2 ** Math.ceil(Math.log2(blocks * 2));
    this.fields = fields;
    this.blocks = blocks;
    this.table = new Int32Array(slots * 2);
    this.mask = slots * 2 - 1;
    this.clear();
  }

  /** The oldest block with this hash, or NONE. */
  find(low: number, high: number): number {
    return this.table[this.slotOf(low, high, tagOf(low, high))] ?? NONE;
  }

  /** REQUIRES: the block has no hash. */
  add(block: number, low: number, high: number): void {
    const { fields } = this;
    const at = block * WIDTH;
    fields[at + LOW] = low;
    fields[at + HIGH] = high;
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
    const last = fields[first * WIDTH + PREVIOUS_COPY] ?? 0;
    fields[last * WIDTH + NEXT_COPY] = block;
    fields[at + PREVIOUS_COPY] = last;
    fields[at + NEXT_COPY] = first;
    fields[first * WIDTH + PREVIOUS_COPY] = block;
  }

  /** Takes the block out of its ring of copies, and the hash out of the table after the last.
   * REQUIRES: the block has a hash. */
  remove(block: number): void {
    const { fields } = this;
    const at = block * WIDTH;
    const low = (fields[at + LOW] ?? 0) >>> 0;
    const high = (fields[at + HIGH] ?? 0) >>> 0;
    const slot = this.slotOf(low, high, tagOf(low, high));
    const after = fields[at + NEXT_COPY] ?? 0;
    fields[at + NEXT_COPY] = NONE;
    if (after === block) {
      this.vacate(slot);
      return;
    }
    const before = fields[at + PREVIOUS_COPY] ?? 0;
    fields[before * WIDTH + NEXT_COPY] = after;
    fields[after * WIDTH + PREVIOUS_COPY] = before;
    if (this.table[slot] === block) this.table[slot] = after;
  }

  /** No block has a hash any more. */
  clear(): void {
    this.table.fill(NONE);
    for (let block = 0; block < this.blocks; block += 1) {
      this.fields[block * WIDTH + NEXT_COPY] = NONE;
    }
  }

  private isHash(block: number, low: number, high: number): boolean {
    const at = block * WIDTH;
    return this.fields[at + LOW] === (low | 0) && this.fields[at + HIGH] === (high | 0);
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
