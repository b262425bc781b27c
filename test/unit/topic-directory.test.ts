// Which endpoint a topic names, in the forms operators write.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventSource } from '../../src/events/event-messages.js';
import { TopicDirectory } from '../../src/events/topic-directory.js';

function source(slot: number, change: Partial<EventSource> = {}): EventSource {
  return {
    slot,
    name: `engine-${slot}`,
    epoch: 1,
    connect: null,
    replay: null,
    host: `10.0.0.${slot}`,
    port: 8000,
    model: 'org/model',
    dataParallelRank: null,
    expected: { algorithm: null, seed: null, blockSizeTokens: null },
    ...change,
  };
}

function directory(...sources: readonly EventSource[]) {
  const unknown: string[] = [];
  const clock = { nowMs: 0 };
  const topics = new TopicDirectory(
    (topic) => void unknown.push(topic),
    () => clock.nowMs,
  );
  for (const each of sources) topics.add(each);
  const find = (topic: string, rank: number | null = 0) => {
    // Far enough apart for a topic to be reported when it is unknown for the second time.
    clock.nowMs += 2_000;
    return topics.find(topic, rank)?.slot ?? null;
  };
  return { topics, unknown, find, clock };
}

test('an id may be name, host and port, or host', () => {
  const { find } = directory(source(1), source(2), source(3, { host: '[fd00::3]' }));
  assert.equal(find('kv@engine-2@whatever'), 2);
  assert.equal(find('kv@10.0.0.1:8000@whatever'), 1);
  assert.equal(find('kv@10.0.0.1@org/model'), 1);
  assert.equal(find('kv@[fd00::3]:8000@org/model'), 3);
  assert.equal(find('kv@fd00::3@org/model'), 3);
});

test('the model decides between engines of one host', () => {
  const { find, unknown } = directory(
    source(1, { host: 'h', port: 1, model: 'a' }),
    source(2, { host: 'h', port: 2, model: 'b@1' }),
  );
  assert.equal(find('kv@h@a'), 1);
  assert.equal(find('kv@h@b@1'), 2);
  for (let i = 0; i < 2; i += 1) {
    assert.equal(find('kv@h@c'), null);
    assert.equal(find('kv@h:3@a'), null);
  }
  assert.deepEqual(unknown, ['kv@h@c', 'kv@h:3@a']);
});

test('an ambiguous topic names nobody', () => {
  const { find, unknown } = directory(source(1, { host: 'h' }), source(2, { host: 'h', port: 2 }));
  for (let i = 0; i < 2; i += 1) assert.equal(find('kv@h@org/model'), null);
  assert.deepEqual(unknown, ['kv@h@org/model']);
});

test('the rank decides between endpoints of one engine', () => {
  const { find } = directory(
    source(1, { host: 'h', dataParallelRank: 0 }),
    source(2, { host: 'h', dataParallelRank: 1 }),
  );
  assert.equal(find('kv@h@org/model', 0), 1);
  assert.equal(find('kv@h@org/model', 1), 2);
  assert.equal(find('kv@h@org/model', 2), null);
  assert.equal(find('kv@h@org/model', null), null);
});

test('an endpoint without a rank takes every rank', () => {
  const { find } = directory(source(1));
  for (const rank of [null, 0, 5]) assert.equal(find('kv@10.0.0.1@org/model', rank), 1);
});

test('an unknown topic is reported once, and found when its endpoint comes', () => {
  const { topics, find, unknown } = directory();
  const late = source(4);
  for (let i = 0; i < 4; i += 1) assert.equal(find('kv@10.0.0.4@org/model'), null);
  assert.deepEqual(unknown, ['kv@10.0.0.4@org/model']);
  topics.add(late);
  assert.equal(find('kv@10.0.0.4@org/model'), 4);
  topics.remove(late);
  assert.equal(find('kv@10.0.0.4@org/model'), null);
});

test('a topic whose endpoint comes within two seconds is not reported', () => {
  const { topics, unknown, clock } = directory();
  assert.equal(topics.find('kv@10.0.0.4@org/model', 0), null);
  clock.nowMs += 1_999;
  assert.equal(topics.find('kv@10.0.0.4@org/model', 0), null);
  topics.add(source(4));
  clock.nowMs += 10_000;
  assert.equal(topics.find('kv@10.0.0.4@org/model', 0)?.slot, 4);
  assert.deepEqual(unknown, []);
});

test('made-up topics are reported up to a bound', () => {
  const { find, unknown } = directory();
  for (let i = 0; i < 12_000; i += 1) find(`kv@${i}@m`);
  for (let i = 0; i < 12_000; i += 1) find(`kv@${i}@m`);
  assert.equal(unknown.length, 10_000);
});
