// The recorded scenario of vLLM's real BlockPool, driven through ours: same events, byte for byte.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NO_KEYS, type PromptKeys } from '../../src/prefix/extra-keys.js';
import { rootFromSeed } from '../../src/prefix/hash-root.js';
import type { HashSettings } from '../../src/prefix/hash-settings.js';
import { BlockEventLog } from '../../src/sim/block-events.js';
import { BlockPool } from '../../src/sim/block-pool.js';
import { EventEncoder } from '../../src/sim/event-encoder.js';
import { TokenSequence } from '../../src/sim/token-sequence.js';
import { WireEvents } from '../../src/sim/wire-events.js';

interface Step {
  readonly step: string;
  readonly payload_hex: string | null;
}
const {
  scenario,
}: { readonly scenario: { readonly seed: string; readonly steps: readonly Step[] } } = JSON.parse(
  readFileSync(new URL('../../../test/vectors/block_pool_events.json', import.meta.url), 'utf8'),
);

const BLOCK_SIZE = 4;

const settings: HashSettings = {
  ...rootFromSeed('sha256_cbor', scenario.seed),
  algorithm: 'sha256_cbor',
  blockSizeTokens: BLOCK_SIZE,
  profile: 'main-2026-08-17',
};

/** What vLLM's KVCacheManager does with a pool, cut to what the recording did. */
class Holder {
  readonly sequence: TokenSequence;
  private readonly blocks: number[] = [];
  private registered = 0;
  private readonly pool: BlockPool;
  private readonly log: BlockEventLog<TokenSequence>;

  constructor(
    pool: BlockPool,
    log: BlockEventLog<TokenSequence>,
    tokens: readonly number[],
    keys: PromptKeys = NO_KEYS,
  ) {
    this.pool = pool;
    this.log = log;
    this.sequence = new TokenSequence(Uint32Array.from(tokens), settings, keys);
  }

  hit(blocks: number): void {
    for (; this.registered < blocks; this.registered += 1) {
      const [low = 0, high = 0] = this.sequence.words.subarray(this.registered * 2);
      const block = this.pool.find(low, high);
      assert.notEqual(block, -1);
      this.pool.touch(block);
      this.blocks.push(block);
    }
  }

  grow(tokenCount: number): void {
    while (this.blocks.length < Math.ceil(tokenCount / BLOCK_SIZE)) {
      this.blocks.push(this.pool.allocate());
    }
    const full = Math.floor(tokenCount / BLOCK_SIZE);
    if (full === this.registered) return;
    for (let i = this.registered; i < full; i += 1) {
      const [low = 0, high = 0] = this.sequence.words.subarray(i * 2);
      this.pool.register(this.blocks[i] ?? -1, low, high);
    }
    this.log.stored(this.sequence, this.registered, full);
    this.registered = full;
  }

  free(): void {
    for (const block of this.blocks.reverse()) this.pool.release(block);
  }
}

test('the pool emits what the recorded BlockPool emitted', () => {
  const log = new BlockEventLog<TokenSequence>();
  const pool = new BlockPool(7, log);
  const wire = new WireEvents({ hashesAsBytes: false, specKind: null });
  const encoder = new EventEncoder('S10');
  let step = 0;
  const checkStep = (name: string, distinct: number, copies: number) => {
    const expected = scenario.steps[step];
    assert.ok(expected);
    assert.ok(expected.step.startsWith(name), expected.step);
    const events = wire.convert(log.take());
    const payload =
      events.length === 0 ? null : encoder.encodeBatch(1000 + step, events, 0).toString('hex');
    assert.equal(payload, expected.payload_hex, expected.step);
    assert.deepEqual([pool.hashes().size, pool.hashedBlocks], [distinct, copies], expected.step);
    step += 1;
  };
  const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

  const a = new Holder(pool, log, range(100, 10));
  a.grow(10);
  checkStep('A prefill', 2, 2);
  for (const token of range(110, 3)) a.sequence.append(token);
  a.grow(13);
  checkStep('A decodes', 3, 3);

  const b = new Holder(pool, log, range(100, 8));
  b.hit(1);
  b.grow(8);
  checkStep('B same', 3, 4);
  a.free();
  b.free();
  checkStep('free', 3, 4);

  const c = new Holder(pool, log, Array(12).fill(9), {
    ...NO_KEYS,
    loraName: 'adp',
    loraIntId: 3,
    cacheSalt: 's',
  });
  c.grow(12);
  checkStep('C 12 tokens', 6, 7);
  c.free();
  const d = new Holder(pool, log, Array(28).fill(7));
  d.grow(28);
  checkStep('D 28 tokens', 7, 7);
  assert.equal(pool.reset(), false, 'D still holds its blocks');
  d.free();
  assert.equal(pool.reset(), true);
  checkStep('reset', 0, 0);

  const tokens = [...range(100, 8), ...Array(8).fill(151655)];
  const e = new Holder(pool, log, tokens, {
    ...NO_KEYS,
    media: [{ identifier: 'imghash', offset: 6, length: 9 }],
  });
  e.grow(16);
  checkStep('E multimodal', 4, 4);
  assert.equal(step, scenario.steps.length);
});
