import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockEventLog } from '../../src/sim/block-events.js';
import { BlockPool } from '../../src/sim/block-pool.js';
import { runSeed, seededRandom } from '../support/random.js';

test('blocks are handed out in the order of the free list, least recently used first', () => {
  const pool = new BlockPool(4, null);
  assert.deepEqual([pool.allocate(), pool.allocate(), pool.allocate()], [0, 1, 2]);
  for (const block of [1, 0, 2]) pool.release(block);
  assert.deepEqual([pool.allocate(), pool.allocate(), pool.allocate()], [3, 1, 0]);
  assert.equal(pool.freeBlocks, 1);
});

test('a hit takes a free block out of the middle of the free list', () => {
  const log = new BlockEventLog();
  const pool = new BlockPool(3, log);
  for (const id of [0, 1, 2]) pool.register(pool.allocate(), id, 0);
  for (const block of [0, 1, 2]) pool.release(block);
  assert.equal(pool.find(1, 0), 1);
  assert.equal(pool.isFree(1), true);
  pool.touch(1);
  assert.deepEqual([pool.freeBlocks, pool.isFree(1)], [2, false]);
  assert.deepEqual([pool.allocate(), pool.allocate()], [0, 2]);
  assert.deepEqual(log.take(), [{ kind: 'removed', hashes: BigUint64Array.of(0n, 2n) }]);
});

test('a hash lives until its last copy is evicted, and each copy is announced', () => {
  const log = new BlockEventLog();
  const pool = new BlockPool(3, log);
  for (let i = 0; i < 3; i += 1) pool.register(pool.allocate(), 7, 9);
  assert.deepEqual([pool.hashedBlocks, pool.hashes()], [3, new Set([(9n << 32n) | 7n])]);
  for (const block of [0, 1, 2]) pool.release(block);
  for (const survivor of [1, 2, -1]) {
    pool.allocate();
    assert.equal(pool.find(7, 9), survivor);
  }
  const hash = (9n << 32n) | 7n;
  assert.deepEqual(log.take(), [{ kind: 'removed', hashes: BigUint64Array.of(hash, hash, hash) }]);
});

test('a reset fails while a block is in use', () => {
  const log = new BlockEventLog();
  const pool = new BlockPool(2, log);
  pool.register(pool.allocate(), 1, 1);
  assert.equal(pool.reset(), false);
  assert.equal(pool.find(1, 1), 0);
  pool.release(0);
  assert.equal(pool.reset(), true);
  assert.deepEqual([pool.find(1, 1), pool.hashedBlocks], [-1, 0]);
  assert.deepEqual(log.take(), [{ kind: 'cleared' }]);
  // Nothing is left to evict.
  pool.allocate();
  pool.allocate();
  assert.equal(log.isEmpty, true);
});

test('what only a bug can do is refused', () => {
  const pool = new BlockPool(1, null);
  const block = pool.allocate();
  assert.throws(() => pool.allocate(), /without a free block/);
  pool.release(block);
  assert.throws(() => pool.release(block), /released twice/);
  assert.throws(() => new BlockPool(0, null), /cannot have 0 blocks/);
});

/** The same rules with arrays and no cleverness. */
class NaivePool {
  readonly freeList: number[];
  readonly references: number[];
  readonly hashOf: (string | null)[];
  /** Blocks that carry a hash, oldest registration first. */
  readonly registered: number[] = [];
  readonly removed: string[] = [];
  constructor(blocks: number) {
    this.freeList = Array.from({ length: blocks }, (_, block) => block);
    this.references = Array(blocks).fill(0);
    this.hashOf = Array(blocks).fill(null);
  }
  find(hash: string): number {
    return this.registered.find((block) => this.hashOf[block] === hash) ?? -1;
  }
  touch(block: number): void {
    if (this.references[block] === 0) this.freeList.splice(this.freeList.indexOf(block), 1);
    this.references[block] = (this.references[block] ?? 0) + 1;
  }
  allocate(): number {
    const block = this.freeList.shift() ?? -1;
    this.references[block] = 1;
    const hash = this.hashOf[block] ?? null;
    if (hash !== null) {
      this.removed.push(hash);
      this.hashOf[block] = null;
      this.registered.splice(this.registered.indexOf(block), 1);
    }
    return block;
  }
  register(block: number, hash: string): void {
    this.hashOf[block] = hash;
    this.registered.push(block);
  }
  release(block: number): void {
    this.references[block] = (this.references[block] ?? 0) - 1;
    if (this.references[block] === 0) this.freeList.push(block);
  }
}

test(`random operations equal a naive pool (seed ${runSeed})`, () => {
  const random = seededRandom(runSeed);
  const pick = (count: number) => Math.floor(random() * count);
  const log = new BlockEventLog();
  const pool = new BlockPool(29, log);
  const naive = new NaivePool(29);
  const inUse: number[] = [];
  const removed: string[] = [];
  for (let step = 0; step < 20_000; step += 1) {
    // Few hashes, so that copies are common; halves that collide, so that probe runs are long.
    const [low, high] = [pick(12), pick(3)];
    const operation = random();
    if (operation < 0.3 && pool.freeBlocks > 0) {
      const block = pool.allocate();
      assert.equal(block, naive.allocate(), `step ${step}`);
      inUse.push(block);
      if (random() < 0.8) {
        pool.register(block, low, high);
        naive.register(block, `${low}/${high}`);
      }
    } else if (operation < 0.5) {
      const block = pool.find(low, high);
      assert.equal(block, naive.find(`${low}/${high}`), `step ${step}`);
      // Neighbours of one another, so that the shortcut for blocks in a row is taken, and copies.
      const words = Uint32Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? low + i / 2 : high));
      const found = new Int32Array(5);
      const leading = pool.findLeading(words, 5, found);
      for (let i = 0; i <= leading && i < 5; i += 1) {
        const expected = naive.find(`${low + i}/${high}`);
        assert.equal(i < leading ? found[i] : -1, expected, `step ${step}`);
      }
      if (block !== -1) {
        pool.touch(block);
        naive.touch(block);
        inUse.push(block);
      }
    } else if (inUse.length > 0) {
      const released = inUse.splice(pick(inUse.length), 1 + pick(3));
      pool.releaseAll(Int32Array.from(released), released.length);
      for (const block of released.reverse()) naive.release(block);
    }
    assert.equal(pool.freeBlocks, naive.freeList.length);
    assert.equal(pool.hashedBlocks, naive.registered.length);
    for (const event of log.take()) {
      assert.equal(event.kind, 'removed');
      if (event.kind !== 'removed') continue;
      for (const hash of event.hashes) removed.push(`${hash & 0xffffffffn}/${hash >> 32n}`);
    }
    assert.equal(removed.length, naive.removed.length);
  }
  assert.deepEqual(removed, naive.removed);
  assert.ok(removed.length > 1000);
});
