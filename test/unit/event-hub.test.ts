// The event thread's work over real sockets: engines that lose, repeat, restart and lie.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TIER } from '../../src/native.js';
import { hashPrompt, hashPromptFully } from '../../src/prefix/block-hasher.js';
import { ownChain } from '../../src/prefix/own-chain.js';
import { BLOCK, tokensOf } from '../support/event-engine.js';
import { SLOT, startEngine, startHub } from '../support/hub-scene.js';
import { waitFor } from '../support/wait-for.js';

test('messages of a removed endpoint change nothing', async (t) => {
  const engine = await startEngine(t);
  const { hub, index, reports, trusted } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  engine.publish(engine.stored(1, 2));
  await trusted('exact');
  for (let prompt = 2; prompt < 200; prompt += 1) engine.publish(engine.stored(prompt, 1));
  hub.command({ type: 'remove', slot: SLOT });
  assert.equal(index.copiesOf(SLOT), 0);
  const before = reports.length;
  assert.deepEqual(reports[before - 1], { type: 'removed', slot: SLOT, epoch: 1 });
  // Enough for everything in flight to arrive: another endpoint has learned all of it.
  hub.command({ type: 'add', source: engine.source({ slot: 4, name: 'other' }) });
  await trusted('exact', 4);
  await waitFor('the other endpoint', () => index.copiesOf(4) === 200);
  assert.equal(index.copiesOf(SLOT), 0);
});

test('a slot given to another endpoint shows nothing of the last one', async (t) => {
  const first = await startEngine(t);
  const second = await startEngine(t, { seed: '7' });
  const { hub, holds, trusted, stateOf } = await startHub(t);
  hub.command({ type: 'add', source: first.source() });
  first.publish(first.stored(1, 2));
  await trusted('exact');
  hub.command({ type: 'add', source: second.source({ epoch: 2 }) });
  second.publish(second.stored(2, 1));
  await waitFor('the new epoch', () => stateOf()?.epoch === 2 && stateOf()?.trust !== 'degraded');
  assert.equal(stateOf()?.trust, 'rehashed');
  await holds([...hashPrompt(tokensOf(2, 1), ownChain(BLOCK))]);
});

test('garbage is counted and costs neither the good events nor the thread', async (t) => {
  const engine = await startEngine(t);
  const { hub, holds, trusted, stateOf } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  engine.publish(engine.stored(1, 1));
  await trusted('exact');
  for (let i = 0; i < 500; i += 1) {
    engine.publisher.sendRaw([Buffer.from('garbage')]);
    engine.publisher.sendRaw([Buffer.alloc(0), Buffer.alloc(7), Buffer.alloc(3)]);
    engine.publisher.sendRaw([Buffer.alloc(0), Buffer.alloc(8, 0xff), Buffer.alloc(3)]);
  }
  engine.publish(engine.stored(2, 1));
  await holds([...engine.hashesOf(1, 1), ...engine.hashesOf(2, 1)]);
  await waitFor('the counters', () => (stateOf()?.counts.malformed ?? 0) === 1500);
});

test('a batch of the engine that cannot be read costs what was known, not what follows', async (t) => {
  const engine = await startEngine(t);
  const { hub, holds, trusted } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  engine.publish(engine.stored(1, 1));
  await trusted('exact');
  engine.publisher.publish(Buffer.from([0x93, 0xcb, 0xff]));
  await holds([]);
  engine.publish(engine.stored(2, 1));
  await holds(engine.hashesOf(2, 1));
});

test('AllBlocksCleared empties the GPU tier and leaves offloaded blocks', async (t) => {
  const engine = await startEngine(t);
  const { hub, index, holds, trusted } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  const offloaded = { ...engine.stored(1, 2), medium: 'cpu', token_ids: [], block_size: 0 };
  engine.publish(engine.stored(1, 2), offloaded);
  await trusted('exact');
  engine.publish({ type: 'AllBlocksCleared' });
  await holds([]);
  assert.equal(index.blocksOf(SLOT, TIER.cpu), 2);
});

test('a clear command forgets the blocks and keeps the proof', async (t) => {
  const engine = await startEngine(t);
  const { hub, holds, trusted, index, stateOf } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  engine.publish(engine.stored(1, 2));
  await trusted('exact');
  hub.command({ type: 'clear', slot: SLOT, reason: 'POST /sleep', everywhere: true });
  assert.equal(index.copiesOf(SLOT), 0);
  engine.publish(engine.stored(2, 1));
  await holds(engine.hashesOf(2, 1));
  assert.equal(stateOf()?.trust, 'exact');
});

test('an engine with a random root is keyed by its tokens, from the start of its replay', async (t) => {
  const engine = await startEngine(t, { seed: 'nobody guesses this' });
  engine.publish(engine.stored(1, 3));
  engine.publish(engine.stored(1, 5, 3), engine.stored(2, 2));
  engine.publish(engine.removed(1, 4), engine.stored(2, 1));
  const { hub, holds, trusted, stateOf } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  await trusted('rehashed');
  const own = (prompt: number, blocks: number) => [
    ...hashPrompt(tokensOf(prompt, blocks), ownChain(BLOCK)),
  ];
  await holds([...own(1, 4), ...own(2, 2)]);
  assert.deepEqual(stateOf()?.settings, ownChain(BLOCK));
  engine.publish(engine.removed(2, 0));
  engine.publish(engine.removed(2, 1));
  // One of two copies of block 0 is left.
  await holds([...own(1, 4), ...own(2, 1)]);
});

for (const schema of ['S4', 'S8', 'S9', 'S11'] as const) {
  test(`events of schema ${schema} are applied and proven`, async (t) => {
    const engine = await startEngine(t, { schema });
    const { hub, holds, trusted } = await startHub(t);
    hub.command({ type: 'add', source: engine.source() });
    engine.publish(engine.stored(1, 3));
    engine.publish(engine.removed(1, 2));
    await holds(engine.hashesOf(1, 2));
    await trusted('exact');
  });
}

test('hashes sent as digests are applied and proven', async (t) => {
  const engine = await startEngine(t);
  const { hub, holds, trusted } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  const { hashes, digests } = hashPromptFully(tokensOf(1, 3), engine.settings);
  const wire = [0, 1, 2].map((block) => digests.subarray(32 * block, 32 * block + 32));
  const run = engine.stored(1, 2);
  engine.publish({ ...run, ...{ block_hashes: wire.slice(0, 2) } });
  await trusted('exact');
  engine.publish({ ...engine.stored(1, 3, 2), ...{ block_hashes: wire.slice(2) } });
  await holds([...hashes]);
  engine.publish({ type: 'BlockRemoved', block_hashes: wire.slice(1), medium: 'GPU' });
  await holds([...hashes.subarray(0, 1)]);
});

test('only batches of its own data-parallel rank are an endpoint’s', async (t) => {
  const engine = await startEngine(t, { dataParallelRank: 1 });
  const { hub, holds, trusted, stateOf } = await startHub(t);
  hub.command({ type: 'add', source: engine.source({ dataParallelRank: 1 }) });
  hub.command({ type: 'add', source: engine.source({ slot: 5, name: 'b', dataParallelRank: 0 }) });
  engine.publish(engine.stored(1, 2));
  await trusted('exact');
  await holds(engine.hashesOf(1, 2));
  await waitFor('the other rank', () => (stateOf(5)?.counts.ignored ?? 0) > 0);
  await holds([], 5);
});

test('an address that cannot be one is reported and harms nobody', async (t) => {
  const engine = await startEngine(t);
  const { hub, trusted, stateOf } = await startHub(t);
  hub.command({ type: 'add', source: engine.source({ slot: 5, connect: 'tcp://*:5557' }) });
  hub.command({ type: 'add', source: engine.source() });
  engine.publish(engine.stored(1, 1));
  await trusted('exact');
  await trusted('none', 5);
  assert.match(stateOf(5)?.reason ?? '', /cannot connect to tcp:\/\/\*:5557/);
});
