// RequestBlocks: the blocks one request holds in a pool; vLLM's KVCacheManager for one group.
import type { BlockEventLog } from './block-events.js';
import type { BlockPool } from './block-pool.js';
import type { BlockSequence } from './block-sequence.js';

export class RequestBlocks<Sequence extends BlockSequence> {
  private readonly sequence: Sequence;
  private readonly blockSizeTokens: number;
  private readonly blocks: number[] = [];
  // Leading blocks that carry their hash in the pool.
  private registered = 0;

  constructor(sequence: Sequence, blockSizeTokens: number) {
    this.sequence = sequence;
    this.blockSizeTokens = blockSizeTokens;
  }

  get count(): number {
    return this.blocks.length;
  }

  /** Finds up to `limit` leading blocks in the pool. They become the request's only when `reserve`
   * succeeds. REQUIRES: holds no blocks. */
  findHit(pool: BlockPool, limit: number): number {
    const { words, blockCount } = this.sequence;
    const blocks = this.blocks;
    blocks.length = 0;
    const end = Math.min(limit, blockCount);
    for (let i = 0; i < end; i += 1) {
      const block = pool.find(words[i * 2] ?? 0, words[i * 2 + 1] ?? 0);
      if (block < 0) break;
      blocks.push(block);
    }
    return blocks.length;
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
    const blocks = this.blocks;
    const total = Math.ceil(tokenCount / this.blockSizeTokens);
    let needed = Math.max(0, total - blocks.length);
    for (let i = 0; i < hits; i += 1) if (pool.isFree(blocks[i] ?? 0)) needed += 1;
    if (needed > pool.freeBlocks) {
      if (hits > 0) blocks.length = 0;
      return false;
    }
    for (let i = 0; i < hits; i += 1) pool.touch(blocks[i] ?? 0);
    this.registered += hits;
    while (blocks.length < total) blocks.push(pool.allocate());
    const full = Math.floor(tokenCount / this.blockSizeTokens);
    this.registerFull(pool, log, Math.min(full, this.sequence.blockCount));
    return true;
  }

  /** Gives all blocks back, the last one first. */
  release(pool: BlockPool): void {
    for (let i = this.blocks.length - 1; i >= 0; i -= 1) pool.release(this.blocks[i] ?? 0);
    this.blocks.length = 0;
    this.registered = 0;
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
