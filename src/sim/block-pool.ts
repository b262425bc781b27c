// BlockPool: vLLM's KV cache blocks: reference counts, one LRU list of free blocks, hash to blocks
// (BlockTable).
//
//   free list   head ⇄ b ⇄ b ⇄ … ⇄ tail     allocate pops the head, release appends to the tail,
//                                             a hit takes its block out of the middle
//
// A free block keeps its content, and so its hash, until it is allocated again. vLLM's null block is
// not part of the pool. After vllm/v1/core/block_pool.py.
import type { BlockEventLog } from './block-events.js';
import { BlockTable, HIGH, LOW, NEXT_COPY, NONE, WIDTH } from './block-table.js';

/** Fields of a block: users, neighbours in the free list; see BlockTable for the others. */
const REFERENCES = 0;
const PREVIOUS = 1;
const NEXT = 2;

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
  private readonly table: BlockTable;
  private readonly one = new Int32Array(1);

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
    }
    this.table = new BlockTable(this.fields, usableBlocks);
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
    return this.table.find(low, high);
  }

  /** Leading blocks of `words` (low and high halves, see BlockSequence), at most `limit`, that have a
   * block: their number, and the oldest block of each in `found`. */
  findLeading(words: Uint32Array, limit: number, found: Int32Array): number {
    const { fields, table } = this;
    let before = NONE;
    let step = 1;
    for (let i = 0; i < limit; i += 1) {
      const low = words[i * 2] ?? 0;
      const high = words[i * 2 + 1] ?? 0;
      // Blocks are allocated and released in a row: the next one is mostly where it was before, and
      // looking there costs no walk through the table.
      let block = before + step;
      const at = block * WIDTH;
      const isNext =
        before !== NONE &&
        block >= 0 &&
        fields[at + LOW] === (low | 0) &&
        fields[at + HIGH] === (high | 0) &&
        fields[at + NEXT_COPY] === block;
      if (!isNext) {
        block = table.find(low, high);
        if (block < 0) return i;
        step = block < before ? -1 : 1;
      }
      found[i] = block;
      before = block;
    }
    return limit;
  }

  /** Whether the first `count` of `blocks`, and `more` new ones, can be had at once. */
  canTake(blocks: Int32Array, count: number, more: number): boolean {
    if (count + more <= this.free) return true;
    let needed = more;
    for (let i = 0; i < count; i += 1) if (this.isFree(blocks[i] ?? 0)) needed += 1;
    return needed <= this.free;
  }

  /** Whether a hit on the block takes it off the free list. */
  isFree(block: number): boolean {
    return this.fields[block * WIDTH + REFERENCES] === 0;
  }

  /** One more request uses the block. */
  touch(block: number): void {
    this.one[0] = block;
    this.touchAll(this.one, 1);
  }

  /** One more request uses the first `count` of `blocks`. */
  touchAll(blocks: Int32Array, count: number): void {
    const { fields } = this;
    for (let i = 0; i < count; i += 1) {
      const block = blocks[i] ?? 0;
      const at = block * WIDTH;
      const references = fields[at + REFERENCES] ?? 0;
      if (references === 0) this.unlink(block);
      fields[at + REFERENCES] = references + 1;
    }
  }

  /** Takes the least recently used free block; its content is gone. REQUIRES: freeBlocks > 0. */
  allocate(): number {
    const block = this.field(this.sentinel, NEXT);
    if (block === this.sentinel) throw new Error('block pool: allocation without a free block');
    this.unlink(block);
    this.fields[block * WIDTH + REFERENCES] = 1;
    if (this.field(block, NEXT_COPY) !== NONE) {
      this.log?.removed(this.field(block, LOW) >>> 0, this.field(block, HIGH) >>> 0);
      this.hashed -= 1;
      this.table.remove(block);
    }
    return block;
  }

  /** The block has become full. REQUIRES: in use, without a hash. */
  register(block: number, low: number, high: number): void {
    this.hashed += 1;
    this.table.add(block, low, high);
  }

  /** One request less uses the block. */
  release(block: number): void {
    this.one[0] = block;
    this.releaseAll(this.one, 1);
  }

  /** One request less uses the first `count` of `blocks`. They are released last to first, so that the
   * end of a prefix is evicted before its beginning. */
  releaseAll(blocks: Int32Array, count: number): void {
    const { fields, sentinel, emptyFirst } = this;
    const end = sentinel * WIDTH;
    let last = this.field(sentinel, PREVIOUS);
    for (let i = count - 1; i >= 0; i -= 1) {
      const block = blocks[i] ?? 0;
      const at = block * WIDTH;
      const references = (fields[at + REFERENCES] ?? 0) - 1;
      if (references < 0) throw new Error(`block pool: block ${block} was released twice`);
      fields[at + REFERENCES] = references;
      if (references > 0) continue;
      this.free += 1;
      if (emptyFirst && fields[at + NEXT_COPY] === NONE) {
        const head = fields[end + NEXT] ?? 0;
        fields[at + PREVIOUS] = sentinel;
        fields[at + NEXT] = head;
        fields[head * WIDTH + PREVIOUS] = block;
        fields[end + NEXT] = block;
        if (last === sentinel) last = block;
        continue;
      }
      fields[at + PREVIOUS] = last;
      fields[at + NEXT] = sentinel;
      fields[last * WIDTH + NEXT] = block;
      last = block;
    }
    fields[end + PREVIOUS] = last;
  }

  /** Forgets every hash. False, and no change, while any block is in use. */
  reset(): boolean {
    if (this.free !== this.usableBlocks) return false;
    this.table.clear();
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

  private unlink(block: number): void {
    const before = this.field(block, PREVIOUS);
    const after = this.field(block, NEXT);
    this.fields[before * WIDTH + NEXT] = after;
    this.fields[after * WIDTH + PREVIOUS] = before;
    this.free -= 1;
  }

  private field(block: number, field: number): number {
    return this.fields[block * WIDTH + field] ?? 0;
  }
}
