// How blocks are keyed: proof of the engine's hashes, refutation, keying by tokens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Prover } from '../../src/events/block-keying.js';
import { TIER } from '../../src/native.js';
import { hashPrompt } from '../../src/prefix/block-hasher.js';
import { NO_KEYS } from '../../src/prefix/extra-keys.js';
import { proveHashing } from '../../src/prefix/hash-prover.js';
import type { HashSettings } from '../../src/prefix/hash-settings.js';
import { ownChain } from '../../src/prefix/own-chain.js';
import { EventEncoder, type KvEvent } from '../../src/sim/event-encoder.js';
import {
  BLOCK,
  hashesOf,
  RANDOM_ROOT,
  SEED_42,
  SLOT,
  start,
  startNative,
  stored,
  tokens,
} from '../support/blocks-scene.js';
import { runSeed, seededRandom } from '../support/random.js';

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
