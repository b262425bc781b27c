// What batches make of the index: what is stored and removed, in which tiers and groups.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Prover } from '../../src/events/block-keying.js';
import { native, TIER } from '../../src/native.js';
import { proveHashing } from '../../src/prefix/hash-prover.js';
import { EventEncoder, type KvEvent } from '../../src/sim/event-encoder.js';
import {
  hashesOf,
  RANDOM_ROOT,
  SEED_42,
  SLOT,
  sorted,
  start,
  startNative,
  startOn,
  stored,
} from '../support/blocks-scene.js';
import { readVectors } from '../support/event-vectors.js';
import { NaivePrefixIndex } from '../support/naive-prefix-index.js';

test('the real block pool leaves what it holds after every step', () => {
  const vectors = readVectors('block_pool_events.json') as {
    readonly scenario: { readonly steps: readonly { step: string; payload_hex: string | null }[] };
  };
  // Distinct blocks and copies after each step, from the vectors' description.
  const expected = [
    [2, 2],
    [3, 3],
    [3, 4],
    [3, 4],
    [6, 7],
    [7, 7],
    [0, 0],
    [4, 4],
  ];
  const { index, blocks, held } = start();
  const { steps } = vectors.scenario;
  assert.equal(steps.length, expected.length);
  for (const [i, { step, payload_hex: hex }] of steps.entries()) {
    if (hex !== null) blocks.apply(Buffer.from(hex, 'hex'));
    assert.deepEqual([held().length, index.copiesOf(SLOT)], expected[i], step);
  }
  assert.equal(blocks.keying, 'exact');
  assert.equal(blocks.settings?.rootHex, SEED_42.rootHex);
});

test('evicting one of two copies keeps the block', () => {
  const { apply, held } = start();
  const event = stored(SEED_42, 1, 2);
  apply(event, event);
  apply({ type: 'BlockRemoved', block_hashes: event.block_hashes.slice(1), medium: 'GPU' });
  assert.deepEqual(held(), hashesOf(SEED_42, 1, 2));
});

test('a removal or a batch that cannot be read leaves nothing believed', () => {
  const good = new EventEncoder('S10');
  const bad: Buffer[] = [
    // A removal without hashes among good events, and a batch that breaks off.
    Buffer.concat([
      Buffer.from([0x93, 0xcb, 0x40, 8, 0, 0, 0, 0, 0, 0, 0x91, 0x92]),
      Buffer.from([0xac, ...Buffer.from('BlockRemoved'), 0x07, 0xc0]),
    ]),
    good.encodeBatch(3, [stored(SEED_42, 9, 2)], 0).subarray(0, 40),
  ];
  for (const start of [
    () => startNative('S10'),
    () => startOn(new NaivePrefixIndex(), proveHashing, 'S10'),
  ]) {
    for (const payload of bad) {
      const { blocks, counts, apply } = start();
      const held = () => counts.stored > 0 && blocks.holdsSome;
      apply(stored(SEED_42, 1, 3));
      apply(stored(SEED_42, 2, 3));
      assert.ok(held());
      blocks.apply(payload);
      assert.equal(counts.malformed, 1);
      assert.ok(!held());
      apply(stored(SEED_42, 3, 1));
      assert.ok(held());
      assert.equal(blocks.keying, 'exact');
    }
  }
});

test('a restart takes back the proof and every block', () => {
  const { apply, blocks, index } = start();
  apply(stored(SEED_42, 1, 2), stored(SEED_42, 1, 2, 0, { medium: 'CPU' }));
  blocks.restarted();
  assert.equal(index.copiesOf(SLOT), 0);
  assert.equal(blocks.keying, 'unproven');
  apply(stored(RANDOM_ROOT, 1, 2));
  assert.equal(blocks.keying, 'rehashed');
});

test('media choose the tier whatever their case; new ones are storage', () => {
  const { apply, held } = start();
  const media = ['GPU', null, 'cpu', 'CPU', 'FS', 'OBJ', 'STORAGE', 'tape'];
  apply(...media.map((medium, i) => stored(SEED_42, i + 1, 1, 0, { medium })));
  assert.equal(held(TIER.gpu).length, 2);
  assert.equal(held(TIER.cpu).length, 2);
  assert.equal(held(TIER.storage).length, 4);
});

test('a placeholder without tokens is stored in its tier', () => {
  const { apply, held, blocks } = start();
  apply(stored(SEED_42, 1, 1, 0, { medium: 'CPU', token_ids: [], block_size: 0 }));
  assert.deepEqual(held(TIER.cpu), hashesOf(SEED_42, 1, 1));
  assert.equal(blocks.keying, 'unproven');
});

test('only groups whose blocks every hit needs are followed', () => {
  const { apply, held, counts } = start();
  const event = (prompt: number, group: number | null, kind: string | null) =>
    stored(SEED_42, prompt, 1, 0, { group_idx: group, kv_cache_spec_kind: kind });
  apply(
    event(1, 0, 'full_attention'),
    event(2, 1, 'sliding_window'),
    event(3, 2, 'mla_attention'),
    event(4, 3, 'mamba'),
    event(5, 4, null),
    event(6, null, null),
    event(7, null, 'chunked_local_attention'),
    event(8, 5, 'sink_full_attention'),
  );
  assert.equal(counts.ignored, 4);
  const followed = [1, 3, 6, 8].flatMap((prompt) => hashesOf(SEED_42, prompt, 1));
  assert.deepEqual(held(), sorted(followed));
  const removed = (prompt: number, group: number | null): KvEvent => ({
    type: 'BlockRemoved',
    block_hashes: hashesOf(SEED_42, prompt, 1),
    medium: 'GPU',
    group_idx: group,
  });
  // The same hash in another group is another block.
  apply(removed(1, 1), removed(3, 2), removed(6, null));
  assert.deepEqual(held(), sorted([1, 8].flatMap((prompt) => hashesOf(SEED_42, prompt, 1))));
});

test('an impossible event costs itself only', () => {
  const broken: Prover = () => {
    throw new TypeError('blockSizeTokens');
  };
  const { apply, counts } = start(broken);
  apply(stored(SEED_42, 1, 1), { type: 'BlockRemoved', block_hashes: [1n], medium: 'GPU' });
  assert.equal(counts.malformed, 1);
  assert.equal(counts.removed, 1);
});

test('lag is the age of the batch when it was applied', () => {
  const { apply, blocks } = start();
  apply();
  assert.equal(blocks.lagSeconds, 2);
  blocks.apply(new EventEncoder('S10').encodeBatch(1, [stored(SEED_42, 9, 1)], 0), true);
  assert.equal(blocks.lagSeconds, 2, 'what is replayed is not late');
});

test('applied whole or event by event, batches leave the same blocks and counts', () => {
  const nativeIndex = new native.PrefixIndex({ maxBytes: 16 * 1024 * 1024 });
  const whole = startOn(nativeIndex, proveHashing, 'S10');
  const each = start();
  const kinds = ['full_attention', 'sliding_window', 'mla_attention', null] as const;
  const media = ['GPU', 'CPU', 'FS', null] as const;
  let events = 0;
  for (let i = 0; i < 400; i += 1) {
    const group = i % 4;
    const medium = media[i % 3] ?? null;
    const place = { group_idx: group, medium, kv_cache_spec_kind: kinds[group] ?? null };
    const batch: KvEvent[] = [stored(SEED_42, i % 50, 1 + (i % 5), 0, place)];
    if (i % 3 === 0) {
      const hashes = hashesOf(SEED_42, (i * 7) % 50, 3);
      batch.push({ type: 'BlockRemoved', block_hashes: hashes, medium, group_idx: group });
    }
    if (i % 97 === 96) batch.push({ type: 'AllBlocksCleared' });
    whole.apply(...batch);
    each.apply(...batch);
    events += batch.length;
    for (const tier of [TIER.gpu, TIER.cpu, TIER.storage] as const) {
      assert.equal(nativeIndex.blocksOf(SLOT, tier), each.held(tier).length, `batch ${i}`);
    }
  }
  assert.deepEqual(whole.counts, each.counts);
  const { stored: stores, removed, cleared, ignored } = whole.counts;
  assert.equal(stores + removed + cleared + ignored, events);
  assert.ok(stores > 100 && removed > 50 && cleared === 4 && ignored > 50);
});
