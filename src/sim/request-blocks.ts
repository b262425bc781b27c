// RequestBlocks: the blocks one request holds in a pool; vLLM's KVCacheManager for one group.
import type { BlockEventLog } from './block-events.js';
import type { BlockPool } from './block-pool.js';
import type { BlockSequence } from './block-sequence.js';

const FIRST_LENGTH = 512;
const EMPTY = new Int32Array(0);
/** Arrays of requests that ended: a new typed array costs as much as filling it. */
const spare: Int32Array[] = [];
const SPARES_MAX = 256;

export class RequestBlocks<Sequence extends BlockSequence> {
  private readonly sequence: Sequence;
  private readonly blockSizeTokens: number;
  private blocks: Int32Array;
  private held = 0;
  // Leading blocks that carry their hash in the pool.
  private registered = 0;

  constructor(sequence: Sequence, blockSizeTokens: number) {
    this.sequence = sequence;
    this.blockSizeTokens = blockSizeTokens;
    this.blocks = spare.pop() ?? new Int32Array(FIRST_LENGTH);
  }

  get count(): number {
    return this.held;
  }

  /** Finds up to `limit` leading blocks in the pool. They become the request's only when `reserve`
   * succeeds. REQUIRES: holds no blocks. */
  findHit(pool: BlockPool, limit: number): number {
    const { words, blockCount } = this.sequence;
    const end = Math.min(limit, blockCount);
    this.makeRoom(end);
    this.held = pool.findLeading(words, end, this.blocks);
    return this.held;
  }

  /** Takes the first `hits` blocks that `findHit` found, and new ones so that `tokenCount` tokens
   * have room; those that become full are registered under their hash. False, and nothing taken,
   * when the pool has too few free blocks. */
  reserve(
    pool: BlockPool,
    log: BlockEventLog<Sequence> | null,
    tokenCount: number,
    hits: number,
  ): boolean {
    const total = Math.ceil(tokenCount / this.blockSizeTokens);
    this.makeRoom(total);
    const { blocks } = this;
    if (!pool.canTake(blocks, hits, Math.max(0, total - this.held))) {
      if (hits > 0) this.held = 0;
      return false;
    }
    pool.touchAll(blocks, hits);
    this.registered += hits;
    for (; this.held < total; this.held += 1) blocks[this.held] = pool.allocate();
    const full = Math.floor(tokenCount / this.blockSizeTokens);
    this.registerFull(pool, log, Math.min(full, this.sequence.blockCount));
    return true;
  }

  /** Gives all blocks back, the last one first. */
  release(pool: BlockPool): void {
    pool.releaseAll(this.blocks, this.held);
    this.held = 0;
    this.registered = 0;
  }

  /** The request will hold no blocks any more; its array is used again. */
  discard(): void {
    if (this.blocks.length === 0) return;
    if (spare.length < SPARES_MAX) spare.push(this.blocks);
    this.blocks = EMPTY;
  }

  private makeRoom(count: number): void {
    if (count <= this.blocks.length) return;
    const larger = new Int32Array(2 ** Math.ceil(Math.log2(count)));
    larger.set(this.blocks.subarray(0, this.held));
    this.blocks = larger;
  }

  private registerFull(pool: BlockPool, log: BlockEventLog<Sequence> | null, full: number): void {
    const first = this.registered;
    if (full <= first) return;
    const { words } = this.sequence;
    for (let i = first; i < full; i += 1) {
      pool.register(this.blocks[i] ?? 0, words[i * 2] ?? 0, words[i * 2 + 1] ?? 0);
    }
    log?.stored(this.sequence, first, full);
    this.registered = full;
  }
}
