import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import test from 'node:test';
import { Deadline } from '../../src/deadline.js';
import { waitFor } from '../support/wait-for.js';

test('it aborts after its time, and with its parent', async () => {
  const parent = new AbortController();
  const short = new Deadline(parent.signal, 5);
  const long = new Deadline(parent.signal, 60_000);
  await waitFor('the end of the time', () => short.signal.aborted);
  assert.equal(short.isOver, true);
  assert.equal(short.signal.reason.name, 'TimeoutError');
  assert.equal(long.signal.aborted, false);
  parent.abort(new Error('gone'));
  assert.deepEqual([long.signal.aborted, long.isOver], [true, false]);
  assert.equal(long.signal.reason.message, 'gone');
  assert.equal(new Deadline(parent.signal, 60_000).signal.aborted, true);
});

test('its parent keeps nothing of it once it has ended', () => {
  const { signal } = new AbortController();
  const deadlines = Array.from({ length: 50 }, () => new Deadline(signal, 60_000));
  assert.equal(getEventListeners(signal, 'abort').length, 50);
  for (const deadline of deadlines) deadline.end();
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});
