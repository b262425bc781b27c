// The real thread, the real index, real sockets: what main and the tokenizer pool see of it.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ConfigError } from '../../src/errors.js';
import type { EventReport, EventState } from '../../src/events/event-messages.js';
import { startEventThread } from '../../src/events/event-thread.js';
import { type NativePrefixIndex, native, TIER } from '../../src/native.js';
import { type EngineOptions, EventEngine } from '../support/event-engine.js';
import { waitFor } from '../support/wait-for.js';
import { watchWorkers } from '../support/worker-list.js';

const SLOT = 3;

async function startEngine(t: TestContext, options: EngineOptions = {}): Promise<EventEngine> {
  const engine = await EventEngine.start(options);
  t.after(() => engine.close());
  return engine;
}

async function startThread(t: TestContext, bind: string | null = null) {
  const index = new native.PrefixIndex({ maxBytes: 64 * 1024 * 1024 });
  const reports: EventReport[] = [];
  const data = { indexId: index.id, bind, topicPrefix: 'kv@' };
  const thread = await startEventThread(data, (report) => void reports.push(report));
  t.after(() => thread.close());
  const stateOf = (slot = SLOT): EventState | undefined =>
    reports
      .flatMap((report) => (report.type === 'state' ? report.states : []))
      .findLast((state) => state.slot === slot);
  const trusted = (trust: string, slot = SLOT) =>
    waitFor(`trust ${trust}`, () => stateOf(slot)?.trust === trust);
  return { index, reports, thread, stateOf, trusted };
}

/** Leading blocks of the prompt that a slot holds, as the tokenizer pool finds them. */
function matched(index: NativePrefixIndex, hashes: readonly bigint[], slot = SLOT): number {
  const triples = new Uint32Array(3 * 16);
  const found = index.match(BigUint64Array.from(hashes), triples);
  for (let i = 0; i < found; i += 1) if (triples[3 * i] === slot) return triples[3 * i + 1] ?? 0;
  return 0;
}

test('blocks an engine announces are found by other threads', async (t) => {
  const engine = await startEngine(t);
  const { index, thread, trusted } = await startThread(t);
  thread.add(engine.source());
  engine.publish(engine.stored(1, 6));
  await trusted('exact');
  await waitFor('the match', () => matched(index, engine.hashesOf(1, 8)) === 6);
  engine.publish(engine.removed(1, 4));
  await waitFor('the shorter match', () => matched(index, engine.hashesOf(1, 8)) === 4);
});

test('a removed endpoint leaves nothing behind, and says so', async (t) => {
  const engine = await startEngine(t);
  const { index, reports, thread, trusted } = await startThread(t);
  thread.add(engine.source());
  engine.publish(engine.stored(1, 6));
  await trusted('exact');
  thread.remove(SLOT);
  await waitFor('the report', () => reports.some(({ type }) => type === 'removed'));
  assert.equal(matched(index, engine.hashesOf(1, 6)), 0);
  assert.equal(index.blocksOf(SLOT, TIER.gpu), 0);
});

test('engines that connect to us are told apart by topic', async (t) => {
  const { index, reports, thread, trusted, stateOf } = await startThread(t, 'tcp://127.0.0.1:*');
  const ready = reports.find((report) => report.type === 'ready');
  assert.match(ready?.boundTo ?? '', /^tcp:\/\/127\.0\.0\.1:\d+$/);
  const endpoint = ready?.boundTo ?? '';
  const central = { endpoint, replayEndpoint: null };
  const byAddress = await startEngine(t, { ...central, topic: 'kv@10.0.0.1:8000@model' });
  const byHost = await startEngine(t, { ...central, topic: 'kv@10.0.0.2@org/model@v2' });
  const byName = await startEngine(t, { ...central, topic: 'kv@engine-c@any' });
  const stranger = await startEngine(t, { ...central, topic: 'kv@10.9.9.9@model' });
  const source = { connect: null, replay: null };
  thread.add(byAddress.source({ ...source, slot: 1, host: '10.0.0.1', port: 8000 }));
  thread.add(byHost.source({ ...source, slot: 2, host: '10.0.0.2', model: 'org/model@v2' }));
  thread.add(byName.source({ ...source, slot: 4, name: 'engine-c', host: '10.0.0.4' }));
  // Commands and events reach the thread by different ways: an early event would find no endpoint.
  await waitFor('the endpoints', () => [1, 2, 4].every((slot) => stateOf(slot) !== undefined));
  const engines = [
    { engine: byAddress, slot: 1, prompt: 1 },
    { engine: byHost, slot: 2, prompt: 2 },
    { engine: byName, slot: 4, prompt: 3 },
    { engine: stranger, slot: 5, prompt: 4 },
  ];
  // The subscription reaches a publisher only after it has connected.
  await waitFor('all engines', () => {
    for (const { engine, prompt } of engines) engine.publish(engine.stored(prompt, 2));
    const reported = reports.some(({ type }) => type === 'unknown-topic');
    return reported && [1, 2, 4].every((slot) => stateOf(slot)?.trust === 'exact');
  });
  await trusted('exact', 4);
  for (const { engine, slot, prompt } of engines) {
    const expected = slot === 5 ? 0 : 2;
    await waitFor(`the match of ${slot}`, () => {
      return matched(index, engine.hashesOf(prompt, 2), slot) === expected;
    });
  }
  const unknown = () => reports.filter(({ type }) => type === 'unknown-topic');
  await waitFor('the stranger', () => {
    stranger.publish();
    return unknown().length > 0;
  });
  assert.deepEqual(unknown(), [{ type: 'unknown-topic', topic: 'kv@10.9.9.9@model' }]);
});

test('ranks of one engine behind one topic are separate streams', async (t) => {
  const { index, reports, thread, stateOf } = await startThread(t, 'tcp://127.0.0.1:*');
  const ready = reports.find((report) => report.type === 'ready');
  const options = { endpoint: ready?.boundTo ?? '', replayEndpoint: null, topic: 'kv@dp@model' };
  // The same port for both: addressOfRank would shift it.
  const first = await startEngine(t, options);
  const second = await startEngine(t, { ...options, batchRank: 1 });
  thread.add(first.source({ connect: null, replay: null, name: 'dp' }));
  await waitFor('both ranks', () => {
    first.publish(first.stored(1, 2));
    second.publish(second.stored(2, 2));
    return (
      matched(index, first.hashesOf(1, 2)) === 2 && matched(index, second.hashesOf(2, 2)) === 2
    );
  });
  for (let i = 0; i < 20; i += 1) {
    first.publish();
    second.publish();
    second.publish();
  }
  const before = stateOf()?.counts.batches ?? 0;
  await waitFor('the batches of both', () => (stateOf()?.counts.batches ?? 0) >= before + 50);
  assert.equal(stateOf()?.counts.gaps, 0);
  assert.equal(stateOf()?.counts.restarts, 0);
});

test('an address in use is an error that names it', async (t) => {
  const { reports } = await startThread(t, 'tcp://127.0.0.1:*');
  const ready = reports.find((report) => report.type === 'ready');
  const index = new native.PrefixIndex({ maxBytes: 1024 * 1024 });
  const data = { indexId: index.id, bind: ready?.boundTo ?? '', topicPrefix: 'kv@' };
  await assert.rejects(
    startEventThread(data, () => undefined),
    (error) => error instanceof ConfigError && /cannot bind tcp:\/\/127/.test(error.message),
  );
});

test('engines that connect to us find the next thread where the first one was', async (t) => {
  const workers = watchWorkers(t);
  const { index, reports, thread, trusted } = await startThread(t, 'tcp://127.0.0.1:*');
  const readies = () => reports.filter(({ type }) => type === 'ready');
  const [ready] = readies();
  const address = ready?.type === 'ready' ? (ready.boundTo ?? '') : '';
  const engine = await startEngine(t, { endpoint: address, replayEndpoint: null, topic: 'kv@e@m' });
  thread.add(engine.source({ connect: null, replay: null, name: 'e' }));
  const learned = (prompt: number) =>
    waitFor(`prompt ${prompt}`, () => {
      engine.publish(engine.stored(prompt, 2));
      return matched(index, engine.hashesOf(prompt, 2)) === 2;
    });
  await learned(1);
  workers[0]?.postMessage(null);
  await waitFor('the next thread', () => readies().length === 2);
  assert.deepEqual(readies()[1], ready);
  assert.equal(thread.deaths, 1);
  assert.equal(matched(index, engine.hashesOf(1, 2)), 0, 'nobody knows what it missed');
  await learned(2);
  await trusted('exact');
});

test('closing ends the thread in the middle of traffic', async (t) => {
  const engine = await startEngine(t);
  const { reports, thread, trusted } = await startThread(t);
  thread.add(engine.source());
  engine.publish(engine.stored(1, 1));
  await trusted('exact');
  for (let prompt = 2; prompt < 2000; prompt += 1) engine.publish(engine.stored(prompt, 1));
  const start = performance.now();
  await thread.close();
  assert.ok(performance.now() - start < 3000);
  assert.equal(reports.filter(({ type }) => type === 'failed').length, 0);
});

test('a thread that dies says so once, and closing it still ends', async (t) => {
  const { reports, thread } = await startThread(t);
  const source = { connect: null, replay: null, host: 'h', port: 1, model: 'm', name: 'x' };
  const expected = { algorithm: null, seed: null, blockSizeTokens: null };
  // A slot beyond what the index can tell apart is a bug of the caller.
  const slot = native.maxEndpoints;
  thread.add({ ...source, slot, epoch: 1, dataParallelRank: null, expected });
  thread.remove(slot);
  await waitFor('the report', () => reports.some(({ type }) => type === 'failed'));
  await thread.close();
  assert.equal(reports.filter(({ type }) => type === 'failed').length, 1);
});
