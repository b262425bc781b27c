// RoutedBlocks: what a router believes engines to hold, from its own routing alone.
import { TIER } from '../../../src/native.js';
import { PrefixIndex } from '../../../src/prefix/prefix-index.js';
import { BlockPool } from '../../../src/sim/block-pool.js';

const INDEX_BYTES = 2 ** 31;

/** One LRU of blocks for each engine, and an index over all of them to match in. */
export class RoutedBlocks {
  private readonly capacity: number;
  private readonly index = PrefixIndex.open({ maxBytes: INDEX_BYTES });
  private readonly pools: BlockPool[] = [];
  private readonly one = new BigUint64Array(1);
  private readonly words = new Uint32Array(this.one.buffer);

  /** `capacity`: blocks believed to fit into one engine. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  match(hashes: BigUint64Array, triples: Uint32Array): number {
    return this.index.native.match(hashes, triples);
  }

  /** The blocks went to this engine, the first one first. */
  add(slot: number, hashes: BigUint64Array): void {
    this.pools[slot] ??= new BlockPool(this.capacity, {
      removed: (low, high) => {
        this.words[0] = low;
        this.words[1] = high;
        this.index.remove(slot, TIER.gpu, this.one);
      },
      cleared: () => this.index.clear(slot),
    });
    const pool = this.pools[slot];
    const words = new Uint32Array(hashes.buffer, hashes.byteOffset, hashes.length * 2);
    for (let i = 0; i < hashes.length; i += 1) {
      const [low, high] = [words[i * 2] ?? 0, words[i * 2 + 1] ?? 0];
      const known = pool.find(low, high);
      if (known >= 0) {
        pool.touch(known);
        pool.release(known);
        continue;
      }
      const block = pool.allocate();
      pool.register(block, low, high);
      pool.release(block);
      this.index.store(slot, TIER.gpu, hashes.subarray(i, i + 1));
    }
  }

  close(): void {
    this.index.close();
  }
}
