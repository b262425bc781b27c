// The event thread's work over real sockets: engines that lose, repeat, restart and lie.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { EventHub, type HubOptions } from '../../src/events/event-hub.js';
import type { EventReport, EventState } from '../../src/events/event-messages.js';
import { TIER } from '../../src/native.js';
import { hashPrompt, hashPromptFully } from '../../src/prefix/block-hasher.js';
import { ownChain } from '../../src/prefix/own-chain.js';
import { BLOCK, type EngineOptions, EventEngine, tokensOf } from '../support/event-engine.js';
import { NaivePrefixIndex } from '../support/naive-prefix-index.js';
import { waitFor } from '../support/wait-for.js';

const SLOT = 3;

async function startEngine(t: TestContext, options: EngineOptions = {}): Promise<EventEngine> {
  const engine = await EventEngine.start(options);
  t.after(() => engine.close());
  return engine;
}

async function startHub(t: TestContext, options: Partial<HubOptions> = {}) {
  const index = new NaivePrefixIndex();
  const reports: EventReport[] = [];
  const hub = new EventHub({
    data: { indexId: 0, bind: null, topicPrefix: 'kv@' },
    index,
    report: (report) => void reports.push(report),
    replayIdleMs: 500,
    ...options,
  });
  t.after(() => hub.close());
  await hub.start();
  const stateOf = (slot = SLOT): EventState | undefined =>
    reports
      .flatMap((report) => (report.type === 'state' ? report.states : []))
      .findLast((state) => state.slot === slot);
  const trusted = (trust: string, slot = SLOT) =>
    waitFor(`trust ${trust}`, () => stateOf(slot)?.trust === trust);
  const holds = (hashes: readonly bigint[], slot = SLOT) => {
    const wanted = [...hashes].sort((a, b) => (a < b ? -1 : 1)).join();
    return waitFor(`blocks ${wanted}`, () => index.hashesOf(slot, TIER.gpu).join() === wanted);
  };
  return { hub, index, reports, stateOf, trusted, holds };
}

test('a new router learns from the replay what the engine stored before', async (t) => {
  const engine = await startEngine(t);
  engine.publish(engine.stored(1, 3));
  engine.publish(engine.stored(2, 2), engine.removed(1, 2));
  const { hub, holds, trusted, stateOf } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  await holds([...engine.hashesOf(1, 2), ...engine.hashesOf(2, 2)]);
  await trusted('exact');
  const settings = stateOf()?.settings;
  assert.equal(settings?.rootHex, engine.settings.rootHex);
  assert.equal(settings?.blockSizeTokens, BLOCK);
  assert.match(stateOf()?.reason ?? '', /PYTHONHASHSEED=42/);
});

test('live events follow the replay without a gap', async (t) => {
  const engine = await startEngine(t);
  engine.publish(engine.stored(1, 1));
  const { hub, holds, trusted, stateOf } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  await trusted('exact');
  for (let prompt = 2; prompt < 40; prompt += 1) engine.publish(engine.stored(prompt, 2));
  const all = Array.from({ length: 38 }, (_, i) => engine.hashesOf(i + 2, 2)).flat();
  await holds([...engine.hashesOf(1, 1), ...all]);
  await waitFor('the counters', () => stateOf()?.counts.batches === 39);
  assert.equal(stateOf()?.counts.gaps, 0);
  assert.equal(stateOf()?.sequence, 38);
});

test('a gap is filled by replay, and later messages wait for it', async (t) => {
  const engine = await startEngine(t);
  const { hub, holds, trusted, stateOf } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  engine.publish(engine.stored(1, 2));
  await trusted('exact');
  engine.publisher.faults.dropShare = 1;
  engine.publish(engine.stored(2, 2));
  engine.publish(engine.removed(1, 1));
  engine.publisher.faults.dropShare = 0;
  engine.publish(engine.stored(3, 1));
  await holds([...engine.hashesOf(1, 1), ...engine.hashesOf(2, 2), ...engine.hashesOf(3, 1)]);
  await waitFor('the counters', () => stateOf()?.counts.gaps === 1);
  await trusted('exact');
});

test('a gap without replay forgets the endpoint and goes on', async (t) => {
  const engine = await startEngine(t);
  const { hub, holds, trusted, stateOf } = await startHub(t);
  hub.command({ type: 'add', source: engine.source({ replay: null }) });
  await waitFor('the connection', () => stateOf()?.connected === true);
  await settle(engine, stateOf);
  engine.publish(engine.stored(1, 2));
  await trusted('exact');
  engine.publisher.faults.dropShare = 1;
  engine.publish(engine.stored(2, 2));
  engine.publisher.faults.dropShare = 0;
  engine.publish(engine.stored(3, 1));
  await holds(engine.hashesOf(3, 1));
  await waitFor('the counters', () => stateOf()?.counts.gaps === 1);
  await trusted('exact');
});

/** Publishes empty batches until one arrives: a subscription reaches its publisher a little late. */
async function settle(engine: EventEngine, stateOf: () => EventState | undefined): Promise<void> {
  while ((stateOf()?.counts.batches ?? 0) === 0) {
    engine.publish();
    await delay(20);
  }
}

test('a replay that begins too late leaves only what it covers', async (t) => {
  const engine = await startEngine(t, { bufferSteps: 2 });
  const { hub, holds, trusted } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  engine.publish(engine.stored(1, 2));
  await trusted('exact');
  engine.publisher.faults.dropShare = 1;
  for (const prompt of [2, 3, 4]) engine.publish(engine.stored(prompt, 1));
  engine.publisher.faults.dropShare = 0;
  engine.publish(engine.stored(5, 1));
  await holds([...engine.hashesOf(4, 1), ...engine.hashesOf(5, 1)]);
  await trusted('exact');
});

test('a batch that no replay has costs the blocks before it', async (t) => {
  const engine = await startEngine(t);
  const { hub, holds, trusted } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  engine.publish(engine.stored(1, 2));
  await trusted('exact');
  Object.assign(engine.publisher.faults, { dropShare: 1, dropFromHistory: true });
  engine.publish(engine.removed(1, 1));
  Object.assign(engine.publisher.faults, { dropShare: 0, dropFromHistory: false });
  engine.publish(engine.stored(2, 1));
  engine.publish(engine.stored(3, 1));
  await holds([...engine.hashesOf(2, 1), ...engine.hashesOf(3, 1)]);
  await trusted('exact');
});

for (const fault of ['replayTwice', 'replayReversed'] as const) {
  test(`a replay is applied once and in order (${fault})`, async (t) => {
    const engine = await startEngine(t);
    const { hub, holds, trusted } = await startHub(t);
    hub.command({ type: 'add', source: engine.source() });
    engine.publish(engine.stored(1, 2));
    await trusted('exact');
    engine.publisher.faults[fault] = true;
    engine.publisher.faults.dropShare = 1;
    engine.publish(engine.stored(2, 3));
    engine.publish(engine.removed(2, 2));
    engine.publish(engine.stored(3, 2));
    engine.publish(engine.removed(2, 1));
    engine.publisher.faults.dropShare = 0;
    engine.publish(engine.removed(3, 1));
    await holds([...engine.hashesOf(1, 2), ...engine.hashesOf(2, 1), ...engine.hashesOf(3, 1)]);
    await trusted('exact');
  });
}

test('a replay that does not answer forgets the endpoint and goes on', async (t) => {
  const engine = await startEngine(t);
  const { hub, holds, trusted } = await startHub(t, { replayIdleMs: 100 });
  hub.command({ type: 'add', source: engine.source() });
  engine.publish(engine.stored(1, 2));
  await trusted('exact');
  engine.publisher.faults.replaySilent = true;
  engine.publisher.faults.dropShare = 1;
  engine.publish(engine.stored(2, 2));
  engine.publisher.faults.dropShare = 0;
  engine.publish(engine.stored(3, 1));
  await holds(engine.hashesOf(3, 1));
  engine.publish(engine.stored(4, 1));
  await holds([...engine.hashesOf(3, 1), ...engine.hashesOf(4, 1)]);
  await trusted('exact');
});

test('an engine restart in place clears its blocks and its proof', async (t) => {
  const engine = await startEngine(t);
  const { hub, holds, trusted, stateOf } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  for (let prompt = 1; prompt <= 5; prompt += 1) engine.publish(engine.stored(prompt, 2));
  await trusted('exact');
  await waitFor('all batches', () => stateOf()?.sequence === 4);
  engine.publisher.restart();
  await engine.publishLater(engine.removed(9, 0));
  await holds([]);
  await waitFor('the restart', () => stateOf()?.counts.restarts === 1);
  assert.equal(stateOf()?.trust, 'degraded');
  assert.equal(stateOf()?.settings, null);
  engine.publish(engine.stored(6, 2));
  await holds(engine.hashesOf(6, 2));
  await trusted('exact');
});

test('a restarted process behind the same address is noticed although nothing is published', async (t) => {
  const engine = await startEngine(t);
  const { hub, holds, trusted, stateOf } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  engine.publish(engine.stored(1, 2));
  engine.publish(engine.stored(2, 2));
  await trusted('exact');
  await holds([...engine.hashesOf(1, 2), ...engine.hashesOf(2, 2)]);
  const { address, replayAddress } = engine.publisher;
  engine.close();
  await waitFor('the loss of the connection', () => stateOf()?.connected === false);
  assert.equal(stateOf()?.trust, 'degraded');
  const next = await startEngine(t, {
    endpoint: bindable(address),
    replayEndpoint: bindable(replayAddress ?? ''),
  });
  await holds([]);
  await waitFor('the restart', () => stateOf()?.counts.restarts === 1);
  await next.publishLater(next.stored(7, 1));
  await holds(next.hashesOf(7, 1));
  await trusted('exact');
});

/** vLLM's publisher binds addresses with a `*`. */
function bindable(address: string): string {
  return address.replace('127.0.0.1', '*');
}

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

test('the replay of engines before vLLM 0.26, without topic, is read as well', async (t) => {
  const engine = await startEngine(t, { replayHasTopic: false });
  engine.publish(engine.stored(1, 2));
  engine.publish(engine.removed(1, 1));
  const { hub, holds, trusted } = await startHub(t);
  hub.command({ type: 'add', source: engine.source() });
  await holds(engine.hashesOf(1, 1));
  await trusted('exact');
});

test('a replay address that nobody serves costs only the past', async (t) => {
  const engine = await startEngine(t);
  engine.publish(engine.stored(1, 2));
  const { hub, holds, stateOf } = await startHub(t, { replayIdleMs: 100 });
  hub.command({ type: 'add', source: engine.source({ replay: 'tcp://127.0.0.1:1' }) });
  // The subscription reaches the publisher a little late.
  await waitFor('the proof', () => {
    engine.publish(engine.stored(2, 1));
    return stateOf()?.trust === 'exact';
  });
  await holds(engine.hashesOf(2, 1));
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
