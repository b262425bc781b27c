// The recorded scenario of vLLM's real BlockPool, driven through ours: same events, byte for byte.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BlockEventLog } from '../../src/sim/block-events.js';
import { BlockPool } from '../../src/sim/block-pool.js';
import { EventEncoder, type ExtraKey } from '../../src/sim/event-encoder.js';
import {
  type ChainKeys,
  type HashBlocks,
  TokenChain,
  textKeys,
} from '../../src/sim/token-chain.js';
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

// Canonical CBOR of what vLLM hashes, for this scenario's small values.
function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 2 ** 8) return Buffer.from([(major << 5) | 24, value]);
  const bytes = Buffer.alloc(5);
  bytes[0] = (major << 5) | 26;
  bytes.writeUInt32BE(value, 1);
  return value < 2 ** 16 ? Buffer.from([(major << 5) | 25, value >> 8, value & 0xff]) : bytes;
}
type Item = null | string | number | Uint8Array | readonly Item[];
function cbor(item: Item): Buffer {
  if (item === null) return Buffer.from([0xf6]);
  if (typeof item === 'number') return item < 0 ? head(1, -1 - item) : head(0, item);
  if (typeof item === 'string')
    return Buffer.concat([head(3, Buffer.byteLength(item)), Buffer.from(item)]);
  if (item instanceof Uint8Array) return Buffer.concat([head(2, item.length), item]);
  return Buffer.concat([head(4, item.length), ...item.map(cbor)]);
}
const sha256 = (item: Item) => createHash('sha256').update(cbor(item)).digest();

function hasher(keys: ChainKeys): HashBlocks {
  return (tokens, firstBlock, parent) => {
    const digests: Uint8Array[] = [];
    let previous = parent ?? sha256(scenario.seed);
    for (let at = 0; at < tokens.length; at += BLOCK_SIZE) {
      const extra = keys.extraKeys(firstBlock + at / BLOCK_SIZE);
      previous = sha256([previous, [...tokens.subarray(at, at + BLOCK_SIZE)], extra]);
      digests.push(previous);
    }
    const hashes = digests.map((digest) => Buffer.from(digest).readBigUInt64BE(digest.length - 8));
    return { hashes: BigUint64Array.from(hashes), digests: Buffer.concat(digests) };
  };
}

/** What vLLM's KVCacheManager does with a pool, cut to what the recording did. */
class Holder {
  readonly chain: TokenChain;
  private readonly blocks: number[] = [];
  private registered = 0;
  private readonly pool: BlockPool;
  private readonly log: BlockEventLog<TokenChain>;

  constructor(
    pool: BlockPool,
    log: BlockEventLog<TokenChain>,
    tokens: readonly number[],
    keys: ChainKeys = textKeys(null, null, null),
  ) {
    this.pool = pool;
    this.log = log;
    this.chain = new TokenChain(Uint32Array.from(tokens), BLOCK_SIZE, keys, hasher(keys));
  }

  hit(blocks: number): void {
    for (; this.registered < blocks; this.registered += 1) {
      const [low = 0, high = 0] = this.chain.words.subarray(this.registered * 2);
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
      const [low = 0, high = 0] = this.chain.words.subarray(i * 2);
      this.pool.register(this.blocks[i] ?? -1, low, high);
    }
    this.log.stored(this.chain, this.registered, full);
    this.registered = full;
  }

  free(): void {
    for (const block of this.blocks.reverse()) this.pool.release(block);
  }
}

test('the pool emits what the recorded BlockPool emitted', () => {
  const log = new BlockEventLog<TokenChain>();
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
  for (const token of range(110, 3)) a.chain.append(token);
  a.grow(13);
  checkStep('A decodes', 3, 3);

  const b = new Holder(pool, log, range(100, 8));
  b.hit(1);
  b.grow(8);
  checkStep('B same', 3, 4);
  a.free();
  b.free();
  checkStep('free', 3, 4);

  const c = new Holder(pool, log, Array(12).fill(9), textKeys('adp', 3, 's'));
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

  // The media item of the recording: offset 6, length 9, so blocks 1 to 3.
  const media: readonly (readonly ExtraKey[] | null)[] = [
    null,
    [['imghash', 2]],
    [['imghash', -2]],
    [['imghash', -6]],
  ];
  const tokens = [...range(100, 8), ...Array(8).fill(151655)];
  const e = new Holder(pool, log, tokens, {
    loraId: null,
    loraName: null,
    extraKeys: (block) => media[block] ?? null,
  });
  e.grow(16);
  checkStep('E multimodal', 4, 4);
  assert.equal(step, scenario.steps.length);
});
