// The order of one publisher's batches under loss, repetition, restart and broken replays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { CheckBudget } from '../../src/events/check-budget.js';
import { EndpointStream } from '../../src/events/endpoint-stream.js';
import { newCounts } from '../../src/events/event-counts.js';
import { HeldBudget } from '../../src/events/held-messages.js';
import {
  changeOf,
  FakePublisher,
  type Published,
  type ReplayFault,
} from '../support/fake-publisher.js';
import { runSeed, seededRandom } from '../support/random.js';

/** What the stream makes of the batches: the blocks it believes in. */
class Belief {
  readonly blocks = new Set<number>();
  readonly applied: number[] = [];
  forgotten: string[] = [];
  restarts = 0;
  relearnAt: number | null = null;

  apply(payload: Uint8Array): 'applied' | 'relearn' {
    const change = changeOf(payload);
    this.applied.push(change);
    if (change > 0) this.blocks.add(change);
    else this.blocks.delete(-change);
    if (change !== this.relearnAt) return 'applied';
    this.relearnAt = null;
    return 'relearn';
  }

  forget(reason: string): void {
    this.blocks.clear();
    this.forgotten.push(reason);
  }

  restarted(): void {
    this.blocks.clear();
    this.restarts += 1;
  }
}

function start(publisher: FakePublisher, withReplay = true, budget = new HeldBudget()) {
  const content = new Belief();
  const counts = newCounts();
  const clock = { nowMs: 0 };
  const stream = new EndpointStream({
    content,
    service: withReplay ? publisher : null,
    counts,
    budget,
    checks: new CheckBudget(),
    nowMs: () => clock.nowMs,
    changed: () => undefined,
  });
  const send = (...messages: readonly Published[]) => {
    for (const { sequence, payload } of messages) stream.receive(sequence, payload);
  };
  return { stream, content, counts, clock, send };
}

/** Lets everything that is under way end. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 400; i += 1) await setImmediate();
}

const ids = (set: ReadonlySet<number>) => [...set].sort((a, b) => a - b);

test('what was published before the first message comes from the replay, once', async () => {
  const publisher = new FakePublisher();
  for (let id = 1; id <= 20; id += 1) publisher.store(id);
  publisher.remove(7);
  const { content, send, counts, stream } = start(publisher);
  send(publisher.store(21));
  assert.deepEqual(ids(content.blocks), [21], 'the first message serves at once');
  assert.equal(stream.doubt, 'learning what the engine holds');
  await quiet();
  assert.deepEqual(ids(content.blocks), ids(publisher.truth));
  assert.equal(counts.replays, 1);
  assert.equal(stream.doubt, null);
  assert.equal(stream.sequence, 21);
});

test('messages held during a replay are applied after it, in order', async () => {
  const publisher = new FakePublisher();
  const { content, send, stream } = start(publisher);
  stream.connected();
  await quiet();
  send(publisher.store(1));
  publisher.store(2);
  send(publisher.store(3));
  assert.equal(stream.doubt, 'batches 1 to 1 were lost');
  send(publisher.remove(3), publisher.store(4));
  assert.deepEqual(content.applied, [1]);
  await quiet();
  assert.deepEqual(content.applied, [1, 2, 3, -3, 4]);
  assert.deepEqual(content.forgotten, []);
});

test('the live stream may lag behind a replay without being a restart', async () => {
  const publisher = new FakePublisher();
  const { content, send, counts, stream } = start(publisher);
  stream.connected();
  await quiet();
  send(publisher.store(1));
  publisher.store(2);
  const late = [3, 4, 5, 6].map((id) => publisher.store(id));
  send(...late.slice(0, 1));
  await quiet();
  assert.deepEqual(content.applied, [1, 2, 3, 4, 5, 6]);
  send(...late.slice(1));
  send(publisher.store(7));
  assert.deepEqual(content.applied, [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(counts.restarts, 0);
});

test('a message that comes twice is applied once', () => {
  const publisher = new FakePublisher();
  const { content, send, counts } = start(publisher, false);
  const message = publisher.store(1);
  send(message, message, publisher.store(2));
  assert.deepEqual(content.applied, [1, 2]);
  assert.equal(counts.restarts, 0);
});

test('the same number with another time stamp is a new process', () => {
  const publisher = new FakePublisher();
  const { content, send, counts } = start(publisher, false);
  send(publisher.store(1));
  publisher.restart();
  send(publisher.store(2));
  assert.deepEqual(ids(content.blocks), [2]);
  assert.equal(counts.restarts, 1);
});

test('a gap without replay forgets what was known', () => {
  const publisher = new FakePublisher();
  const { content, send, counts, stream } = start(publisher, false);
  send(publisher.store(1));
  publisher.remove(1);
  send(publisher.store(2));
  assert.deepEqual(ids(content.blocks), [2]);
  assert.deepEqual(content.forgotten, ['batches 1 to 1 were lost and cannot be replayed']);
  assert.equal(counts.gaps, 1);
  assert.equal(stream.doubt, null);
});

test('a service that is silent is left alone for a while', async () => {
  const publisher = new FakePublisher();
  const { content, send, clock, stream } = start(publisher);
  stream.connected();
  await quiet();
  publisher.fault = 'silent';
  send(publisher.store(1));
  for (let id = 2; id < 10; id += 2) {
    publisher.store(id);
    send(publisher.store(id + 1));
    await quiet();
  }
  assert.equal(publisher.requests, 2);
  assert.deepEqual(ids(content.blocks), [9]);
  clock.nowMs += 31_000;
  publisher.fault = 'none';
  publisher.store(10);
  send(publisher.store(11));
  await quiet();
  assert.deepEqual(ids(content.blocks), [9, 10, 11]);
});

test('a reconnect finds the same process by the last batch it had', async () => {
  const publisher = new FakePublisher();
  const { content, send, counts, stream } = start(publisher);
  stream.connected();
  send(publisher.store(1), publisher.store(2));
  await quiet();
  stream.disconnected();
  publisher.store(3);
  stream.connected();
  assert.equal(stream.doubt, 'reconnected, asking what was missed');
  await quiet();
  assert.deepEqual(ids(content.blocks), [1, 2, 3]);
  assert.equal(counts.restarts, 0);
  assert.equal(stream.doubt, null);
});

test('a reconnect finds another process even when its numbers have caught up', async () => {
  const publisher = new FakePublisher();
  const { content, send, counts, stream } = start(publisher);
  stream.connected();
  await quiet();
  send(publisher.store(1), publisher.store(2));
  stream.disconnected();
  publisher.restart();
  for (const id of [11, 12, 13]) publisher.store(id);
  stream.connected();
  await quiet();
  assert.deepEqual(ids(content.blocks), [11, 12, 13]);
  assert.equal(counts.restarts, 1);
});

test('without replay a short absence is in doubt until the next batch, a long one a restart', () => {
  const publisher = new FakePublisher();
  const { content, send, clock, stream } = start(publisher, false);
  stream.connected();
  send(publisher.store(1));
  stream.disconnected();
  clock.nowMs += 1_000;
  stream.connected();
  assert.match(stream.doubt ?? '', /reconnected/);
  assert.deepEqual(ids(content.blocks), [1]);
  send(publisher.store(2));
  assert.equal(stream.doubt, null);
  assert.deepEqual(ids(content.blocks), [1, 2]);
  stream.disconnected();
  clock.nowMs += 20_000;
  stream.connected();
  assert.deepEqual(ids(content.blocks), []);
});

test('batches that a subscription came too late for are fetched although nothing follows', async () => {
  const publisher = new FakePublisher();
  const { content, stream, counts } = start(publisher);
  stream.connected();
  await quiet();
  publisher.store(1);
  while (content.blocks.size === 0) await setImmediate();
  assert.deepEqual(ids(content.blocks), [1]);
  assert.equal(counts.replays, 1, 'a check that found nothing wrong before is no repair');
});

test('a batch lost before the publisher falls silent is fetched, and the silence then left alone', async () => {
  const publisher = new FakePublisher();
  const { content, send, stream } = start(publisher);
  stream.connected();
  await quiet();
  send(publisher.store(1), publisher.store(2));
  publisher.remove(1);
  assert.deepEqual(ids(content.blocks), [1, 2]);
  while (content.blocks.size > 1) await setImmediate();
  assert.deepEqual(ids(content.blocks), [2]);
  const { requests } = publisher;
  await delay(1200);
  assert.ok(publisher.requests <= requests + 1, 'one more look after what was found');
  stream.close();
});

test('a message that is no batch says nothing by its number', async () => {
  const publisher = new FakePublisher();
  const { content, send, counts, stream } = start(publisher);
  stream.connected();
  await quiet();
  send(publisher.store(1), publisher.store(2));
  const { requests } = publisher;
  for (const sequence of [0, 1, 7, 2 ** 52]) send({ sequence, payload: Buffer.from('garbage') });
  assert.equal(stream.doubt, null);
  assert.equal(publisher.requests, requests);
  assert.deepEqual(ids(content.blocks), [1, 2]);
  assert.deepEqual([counts.malformed, counts.gaps, counts.restarts], [4, 0, 0]);
  send(publisher.store(3));
  assert.equal(counts.gaps, 0);
});

test('what more faults in a row than repairs cost is read again once the stream is calm', async () => {
  const publisher = new FakePublisher();
  const { content, send, stream } = start(publisher);
  stream.connected();
  await quiet();
  send(publisher.store(1));
  // Batches in form, from somebody else, with numbers of their own.
  const foreign = new FakePublisher();
  for (let i = 1; i <= 8; i += 1) send({ ...foreign.store(100 + i), sequence: i * 1000 });
  send(publisher.store(2));
  await quiet();
  send(publisher.store(3));
  while (!content.blocks.has(1)) await setImmediate();
  await quiet();
  assert.deepEqual(ids(content.blocks), [1, 2, 3]);
  assert.equal(stream.doubt, null);
  stream.close();
});

test('content that must be read again is', async () => {
  const publisher = new FakePublisher();
  const { content, send, stream } = start(publisher);
  stream.connected();
  await quiet();
  send(publisher.store(1), publisher.store(2));
  content.relearnAt = 3;
  send(publisher.store(3));
  await quiet();
  assert.deepEqual(content.applied, [1, 2, 3, 1, 2, 3]);
  assert.deepEqual(content.forgotten, ['read again by replay']);
});

test('messages beyond the budget are dropped and replayed later', async () => {
  const publisher = new FakePublisher();
  const { content, send, stream } = start(publisher, true, new HeldBudget(14 * 3));
  stream.connected();
  await quiet();
  send(publisher.store(1));
  publisher.store(2);
  for (let id = 3; id <= 30; id += 1) send(publisher.store(id));
  await quiet();
  send(publisher.store(31));
  await quiet();
  assert.deepEqual(ids(content.blocks), ids(publisher.truth));
  assert.deepEqual(content.forgotten, []);
});

test('a closed stream applies nothing any more', async () => {
  const publisher = new FakePublisher();
  const { content, send, stream } = start(publisher);
  publisher.store(1);
  stream.connected();
  stream.close();
  send(publisher.store(2));
  await quiet();
  assert.deepEqual(content.applied, []);
});

const FAULTS: readonly ReplayFault[] = [
  'none',
  'none',
  'silent',
  'breaks off',
  'loses some',
  'doubles',
  'reverses',
];

test('under random faults no block is believed in that the engine does not hold', async () => {
  for (let round = 0; round < 60; round += 1) {
    const seed = runSeed + round;
    const random = seededRandom(seed);
    const pick = (count: number) => Math.floor(random() * count);
    const publisher = new FakePublisher(random, 5 + pick(40));
    const { content, send, clock, stream } = start(publisher, round % 5 !== 0);
    stream.connected();
    let nextId = 1;
    const publish = () => {
      const held = [...publisher.truth];
      if (held.length > 0 && random() < 0.4) return publisher.remove(held[pick(held.length)] ?? 0);
      nextId += 1;
      return publisher.store(nextId);
    };
    for (let step = 0; step < 150; step += 1) {
      const dice = random();
      if (dice < 0.7) send(publish());
      else if (dice < 0.8) publish();
      else if (dice < 0.84) publisher.fault = FAULTS[pick(FAULTS.length)] ?? 'none';
      else if (dice < 0.87) {
        stream.disconnected();
        publisher.restart();
        if (random() < 0.5) stream.connected();
        // Its first batch arrives: else, without replay, a new process can hide behind numbers that
        // happen to fit.
        send(publish());
      } else if (dice < 0.9) {
        stream.disconnected();
        stream.connected();
      } else if (dice < 0.95) clock.nowMs += 10_000;
      else await setImmediate();
    }
    publisher.fault = 'none';
    clock.nowMs += 60_000;
    await quiet();
    send(publish(), publish());
    await quiet();
    const ghosts = ids(content.blocks).filter((id) => !publisher.truth.has(id));
    assert.deepEqual(ghosts, [], `seed ${seed}`);
    assert.equal(stream.doubt, null, `seed ${seed}`);
    stream.close();
  }
});
