import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StateReporter } from '../../src/events/state-reporter.js';

test('the first change is reported at once, later ones together', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const sent: string[][] = [];
  const reporter = new StateReporter<string>((keys) => void sent.push([...keys]));
  reporter.mark('a', 'state');
  await Promise.resolve();
  assert.deepEqual(sent, [['a']]);
  reporter.mark('a', 'counters');
  reporter.mark('b', 'state');
  reporter.mark('b', 'state');
  t.mock.timers.tick(99);
  assert.equal(sent.length, 1);
  t.mock.timers.tick(1);
  assert.deepEqual(sent[1], ['b', 'a']);
  t.mock.timers.tick(1000);
  assert.equal(sent.length, 2);
});

test('counters of many endpoints take turns, trust does not wait', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const sent: number[][] = [];
  const reporter = new StateReporter<number>((keys) => void sent.push([...keys]));
  for (let key = 0; key < 150; key += 1) reporter.mark(key, 'counters');
  reporter.mark(999, 'state');
  await Promise.resolve();
  assert.equal(sent[0]?.[0], 999);
  assert.equal(sent[0]?.length, 64);
  t.mock.timers.tick(100);
  t.mock.timers.tick(100);
  assert.equal(new Set(sent.flat()).size, 151);
});

test('a forgotten endpoint is not reported', async () => {
  const sent: string[][] = [];
  const reporter = new StateReporter<string>((keys) => void sent.push([...keys]));
  reporter.mark('a', 'state');
  reporter.forget('a');
  await Promise.resolve();
  assert.deepEqual(sent, []);
  reporter.close();
});

test('a doubt does not wait for the next report, unless there are many', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const sent: string[][] = [];
  const reporter = new StateReporter<string>((keys) => void sent.push([...keys]));
  reporter.mark('a', 'state');
  await Promise.resolve();
  reporter.mark('b', 'state');
  reporter.mark('a', 'doubt');
  await Promise.resolve();
  assert.deepEqual(sent, [['a'], ['b', 'a']]);
  for (let i = 0; i < 50; i += 1) {
    reporter.mark('a', 'doubt');
    await Promise.resolve();
  }
  assert.equal(sent.length, 11);
  t.mock.timers.tick(100);
  assert.equal(sent.length, 12);
  reporter.close();
});
