// What batches make of the index: proof of the engine's hashes, keying by tokens, tiers and groups.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Prover } from '../../src/events/block-keying.js';
import { EndpointBlocks } from '../../src/events/endpoint-blocks.js';
import { EventApplier } from '../../src/events/event-applier.js';
import { newCounts } from '../../src/events/event-counts.js';
import { RehashBudget } from '../../src/events/rehasher.js';
import { type NativePrefixIndex, native, TIER } from '../../src/native.js';
import { hashPrompt } from '../../src/prefix/block-hasher.js';
import { NO_KEYS } from '../../src/prefix/extra-keys.js';
import { proveHashing } from '../../src/prefix/hash-prover.js';
import { rootFromSeed } from '../../src/prefix/hash-root.js';
import type { HashSettings } from '../../src/prefix/hash-settings.js';
import { ownChain } from '../../src/prefix/own-chain.js';
import { EventEncoder, type EventSchema, type KvEvent } from '../../src/sim/event-encoder.js';
import { readVectors } from '../support/event-vectors.js';
import { NaivePrefixIndex } from '../support/naive-prefix-index.js';
import { runSeed, seededRandom } from '../support/random.js';

const SLOT = 2;
const BLOCK = 4;
const RANDOM_ROOT: HashSettings = {
  algorithm: 'sha256_cbor',
  rootHex: 'c0ffee'.padEnd(64, '7'),
  rootName: 'random',
  blockSizeTokens: BLOCK,
  profile: 'main-2026-08-17',
};
const SEED_42: HashSettings = { ...RANDOM_ROOT, ...rootFromSeed('sha256_cbor', '42') };

function start(prove: Prover = proveHashing, schema: EventSchema = 'S10') {
  const index = new NaivePrefixIndex();
  const parts = startOn(index, prove, schema);
  const held = (tier: 0 | 1 | 2 = TIER.gpu) => index.hashesOf(SLOT, tier);
  return { ...parts, index, held };
}

function startNative(schema: EventSchema) {
  const index = new native.PrefixIndex({ maxBytes: 16 * 1024 * 1024 });
  return { ...startOn(index, proveHashing, schema), index };
}

function startOn(index: NativePrefixIndex, prove: Prover, schema: EventSchema) {
  const counts = newCounts();
  const encoder = new EventEncoder(schema);
  const expected = { algorithm: null, seed: null, blockSizeTokens: null };
  const blocks = new EndpointBlocks({
    source: {
      slot: SLOT,
      name: 'engine',
      epoch: 1,
      connect: null,
      replay: null,
      host: 'h',
      port: 1,
      model: 'm',
      dataParallelRank: null,
      expected,
    },
    applier: new EventApplier(index, SLOT),
    prove,
    counts,
    rehashBudget: new RehashBudget(),
    nowMs: () => 5_000,
    changed: () => undefined,
  });
  const apply = (...events: readonly KvEvent[]) => blocks.apply(encoder.encodeBatch(3, events, 0));
  return { counts, blocks, apply };
}

const tokens = (prompt: number, count: number) =>
  Uint32Array.from({ length: count }, (_, i) => prompt * 1000 + i);

/** Blocks `from` to `to` of a prompt as an engine with these settings announces them. */
function stored(
  settings: HashSettings,
  prompt: number,
  to: number,
  from = 0,
  change: Partial<KvEvent & { type: 'BlockStored' }> = {},
  salt: string | null = null,
): KvEvent & { type: 'BlockStored' } {
  const keys = { ...NO_KEYS, cacheSalt: salt };
  const hashes = [...hashPrompt(tokens(prompt, to * BLOCK), settings, keys)];
  const extra = Array.from({ length: to - from }, (_, i) =>
    salt !== null && from + i === 0 ? [salt] : null,
  );
  return {
    type: 'BlockStored',
    block_hashes: hashes.slice(from),
    parent_block_hash: hashes[from - 1] ?? null,
    token_ids: tokens(prompt, to * BLOCK).subarray(from * BLOCK),
    block_size: BLOCK,
    lora_id: null,
    lora_name: null,
    medium: 'GPU',
    extra_keys: extra,
    group_idx: 0,
    kv_cache_spec_kind: 'full_attention',
    ...change,
  };
}

const sorted = (hashes: Iterable<bigint>) => [...hashes].sort((a, b) => (a < b ? -1 : 1));
const hashesOf = (settings: HashSettings, prompt: number, blocks: number) =>
  sorted(hashPrompt(tokens(prompt, blocks * BLOCK), settings));

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

test('an engine is degraded until a run from the start of a prompt proves it', () => {
  const { apply, blocks, held } = start();
  apply(stored(SEED_42, 1, 4, 2));
  assert.equal(blocks.keying, 'unproven');
  assert.equal(blocks.settings, null);
  apply(stored(SEED_42, 2, 1));
  assert.equal(blocks.keying, 'exact');
  assert.equal(held().length, 3, 'what came before the proof counts');
});

test('an undecidable run leaves the question to the next', () => {
  let calls = 0;
  const prove: Prover = (run, expected) => {
    calls += 1;
    return calls < 3 ? { undecidable: 'cannot tell' } : proveHashing(run, expected);
  };
  const { apply, blocks } = start(prove);
  apply(stored(SEED_42, 1, 1));
  assert.equal(blocks.reason, 'not proven: cannot tell');
  apply(stored(SEED_42, 2, 1), stored(SEED_42, 3, 1), stored(SEED_42, 4, 1));
  assert.equal(blocks.keying, 'exact');
  assert.equal(calls, 3);
});

test('a settled engine is proven again once in a thousand batches', () => {
  let calls = 0;
  const prove: Prover = (run, expected) => {
    calls += 1;
    return proveHashing(run, expected);
  };
  const { apply } = start(prove);
  for (let i = 0; i < 2001; i += 1) apply(stored(SEED_42, 1, 1));
  assert.equal(calls, 3);
});

test('one refutation does not outweigh a proof, three in a row do', () => {
  const { apply, blocks, held } = start();
  apply(stored(SEED_42, 1, 2));
  for (let i = 0; i < 1000; i += 1) apply();
  apply(stored(RANDOM_ROOT, 2, 1));
  assert.equal(blocks.keying, 'exact');
  apply(stored(SEED_42, 3, 1));
  for (let i = 0; i < 1000; i += 1) apply();
  let relearn = '';
  for (const prompt of [4, 5, 6]) relearn = apply(stored(RANDOM_ROOT, prompt, 1));
  assert.equal(blocks.keying, 'rehashed');
  assert.equal(relearn, 'relearn');
  assert.deepEqual(held(), hashesOf(ownChain(BLOCK), 6, 1));
});

test('an engine refuted for a salt it does not list is proven by the next prompt', () => {
  const { apply, blocks, held } = start(proveHashing, 'S5');
  apply(stored(SEED_42, 1, 2, 0, {}, 'secret'));
  assert.equal(blocks.keying, 'rehashed');
  assert.equal(apply(stored(SEED_42, 2, 2)), 'relearn');
  assert.equal(blocks.keying, 'exact');
  assert.deepEqual(held(), hashesOf(SEED_42, 2, 2));
});

test('blocks of a hybrid model are known by their whole size, even when a short end came first', () => {
  const { blocks, index } = startNative('S10');
  const fine = { ...SEED_42, blockSizeTokens: BLOCK };
  const coarse = { ...SEED_42, blockSizeTokens: 16 * BLOCK, hashUnitTokens: 16 };
  const unit = { ...SEED_42, blockSizeTokens: 16 };
  const run = (settings: HashSettings, prompt: number, count: number): KvEvent => ({
    ...stored(fine, prompt, 1),
    token_ids: tokens(prompt, count),
    block_hashes: [...hashPrompt(tokens(prompt, count), settings, NO_KEYS)],
    block_size: settings.blockSizeTokens,
    extra_keys: Array.from({ length: count / settings.blockSizeTokens }, () => null),
  });
  const apply = (event: KvEvent) =>
    blocks.apply(new EventEncoder('S10').encodeBatch(3, [event], 0));
  apply(run(unit, 1, 16));
  assert.equal(blocks.settings?.blockSizeTokens, 16);
  apply(run(coarse, 2, 128));
  assert.deepEqual(
    [blocks.settings?.blockSizeTokens, blocks.settings?.hashUnitTokens, blocks.keying],
    [64, 16, 'exact'],
  );
  for (let i = 0; i < 1001; i += 1) apply(run(unit, 3, 16));
  assert.equal(blocks.settings?.blockSizeTokens, 64);
  assert.ok(index.blocksOf(SLOT, TIER.gpu) >= 4);
});

test('the first run with an adapter tells how an old engine hashes it', () => {
  const { blocks } = startNative('S4');
  const encoder = new EventEncoder('S4');
  const old: HashSettings = { ...SEED_42, profile: 'pre-2025-10-22' };
  blocks.apply(encoder.encodeBatch(3, [stored(SEED_42, 1, 2)], 0));
  assert.equal(blocks.settings?.profile, 'main-2026-08-17');
  const keys = { ...NO_KEYS, loraName: 'l', loraIntId: 7 };
  const hashes = [...hashPrompt(tokens(2, 2 * BLOCK), old, keys)];
  const event = stored(SEED_42, 2, 2, 0, { block_hashes: hashes, lora_id: 7 });
  blocks.apply(encoder.encodeBatch(3, [event], 0));
  assert.deepEqual([blocks.settings?.profile, blocks.keying], ['pre-2025-10-22', 'exact']);
  blocks.apply(encoder.encodeBatch(3, [stored(SEED_42, 3, 2)], 0));
  assert.equal(blocks.settings?.profile, 'pre-2025-10-22');
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

/** The same random life of a cache, told by two engines: one whose hashes nobody knows, and one that
 * hashes as we do ourselves. */
test('keyed by tokens, an index equals that of an engine that hashes like us', () => {
  for (let round = 0; round < 10; round += 1) {
    const seed = runSeed + round;
    const random = seededRandom(seed);
    const pick = (count: number) => Math.floor(random() * count);
    const hidden = start(() => ({ refuted: 'unknown root' }));
    const open = start(() => ({ undecidable: 'stay with the hashes of the engine' }));
    const both = (make: (settings: HashSettings) => KvEvent) => {
      hidden.apply(make(RANDOM_ROOT));
      open.apply(make(ownChain(BLOCK)));
    };
    const lengths = new Map<number, number>();
    let most = 0;
    for (let step = 0; step < 300; step += 1) {
      most = Math.max(most, open.held().length);
      const prompt = 1 + pick(8);
      const length = lengths.get(prompt) ?? 0;
      const dice = random();
      if (dice < 0.55 && length < 12) {
        const to = length + 1 + pick(3);
        const salt = prompt % 3 === 0 ? 'salt' : null;
        const medium = random() < 0.2 ? 'CPU' : 'GPU';
        both((settings) => stored(settings, prompt, to, length, { medium }, salt));
        lengths.set(prompt, to);
      } else if (dice < 0.65 && length > 0) {
        both((settings) => stored(settings, prompt, 1, 0, {}, prompt % 3 === 0 ? 'salt' : null));
      } else if (dice < 0.98 && length > 0) {
        const medium = random() < 0.2 ? 'CPU' : 'GPU';
        both((settings) => {
          const { block_hashes: hashes } = stored(
            settings,
            prompt,
            length,
            0,
            {},
            prompt % 3 === 0 ? 'salt' : null,
          );
          return { type: 'BlockRemoved', block_hashes: hashes.slice(-1), medium, group_idx: 0 };
        });
        // A block is in use while its child is stored, so no run ever follows a removed one.
        lengths.delete(prompt);
      } else if (dice >= 0.98) {
        both(() => ({ type: 'AllBlocksCleared' }));
        lengths.clear();
      }
    }
    assert.equal(hidden.blocks.keying, 'rehashed');
    assert.ok(most > 10, `seed ${seed}: at most ${most} blocks held`);
    for (const tier of [TIER.gpu, TIER.cpu] as const) {
      assert.deepEqual(hidden.held(tier), open.held(tier), `seed ${seed}, tier ${tier}`);
    }
    assert.equal(hidden.index.copiesOf(SLOT), open.index.copiesOf(SLOT), `seed ${seed}`);
  }
});
