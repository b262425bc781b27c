// What the event hub does about batches that are missing: replay, gaps, restarts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK } from '../support/event-engine.js';
import { settle, startEngine, startHub } from '../support/hub-scene.js';
import { waitFor } from '../support/wait-for.js';

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

/** vLLM's publisher binds addresses with a `*`. */
function bindable(address: string): string {
  return address.replace('127.0.0.1', '*');
}
