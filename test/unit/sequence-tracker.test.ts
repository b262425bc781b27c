import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SequenceTracker } from '../../src/events/sequence-tracker.js';

function at(applied: number, ts: number): SequenceTracker {
  const tracker = new SequenceTracker();
  tracker.advance(applied, ts);
  return tracker;
}

test('the first number is taken as it is, whatever it is', () => {
  assert.equal(new SequenceTracker().judge(57, 1).kind, 'first');
});

test('an engine known to have published nothing begins at 0', () => {
  const tracker = new SequenceTracker();
  tracker.reset(-1);
  assert.equal(tracker.judge(0, 1).kind, 'next');
  assert.deepEqual(tracker.judge(2, 1), { kind: 'gap', from: 0, to: 1 });
});

test('numbers follow, jump, repeat and go back', () => {
  const tracker = at(5, 10);
  assert.equal(tracker.judge(6, 11).kind, 'next');
  assert.deepEqual(tracker.judge(9, 11), { kind: 'gap', from: 6, to: 8 });
  assert.equal(tracker.judge(5, 10).kind, 'duplicate');
  assert.equal(tracker.judge(5, 11).kind, 'restart');
  assert.equal(tracker.judge(4, 9).kind, 'restart');
  assert.equal(tracker.judge(0, 60).kind, 'restart');
});

test('judging changes nothing', () => {
  const tracker = at(5, 10);
  tracker.judge(100, 20);
  tracker.judge(0, 20);
  assert.equal(tracker.applied, 5);
});

test('below a replay, old batches are duplicates and newer ones a new process', () => {
  const tracker = at(5, 10);
  for (let sequence = 6; sequence <= 20; sequence += 1) tracker.replayed(sequence, sequence + 5);
  assert.equal(tracker.judge(7, 12).kind, 'duplicate');
  assert.equal(tracker.judge(20, 25).kind, 'duplicate');
  assert.equal(tracker.judge(7, 26).kind, 'restart');
  tracker.sawLive(12, 17);
  assert.equal(tracker.judge(11, 16).kind, 'restart');
  assert.equal(tracker.judge(21, 26).kind, 'next');
});

test('batches without a readable time stamp are told apart by number alone', () => {
  const tracker = at(5, Number.NaN);
  assert.equal(tracker.judge(5, Number.NaN).kind, 'duplicate');
  assert.equal(tracker.judge(4, Number.NaN).kind, 'restart');
});
