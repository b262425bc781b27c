import assert from 'node:assert/strict';
import test from 'node:test';
import { RouterError } from '../../src/errors.js';
import { LiveFeed } from '../../src/router/live-feed.js';
import { RecordingExchange } from '../support/recording-exchange.js';
import { waitFor } from '../support/wait-for.js';

function countingFeed(): { feed: LiveFeed; made: () => number } {
  let made = 0;
  const feed = new LiveFeed({ snapshot: () => ({ number: ++made }), intervalMs: 5 });
  return { feed, made: () => made };
}

const numbersOf = ({ chunks }: RecordingExchange) =>
  [...chunks.join('').matchAll(/^data: \{"number":(\d+)\}$/gm)].map(([, number]) => Number(number));

test('a viewer gets a snapshot at once and then one after the other', async () => {
  const { feed } = countingFeed();
  const viewer = new RecordingExchange();
  feed.watch(viewer);
  assert.deepEqual(numbersOf(viewer), [1]);
  assert.deepEqual(viewer.responseHeaders[0], ['content-type', 'text/event-stream; charset=utf-8']);
  await waitFor('more snapshots', () => numbersOf(viewer).length > 3);
  feed.close();
  assert.equal(viewer.outcome, 'ended');
});

test('snapshots are made only while somebody watches, and once for all who do', async () => {
  const { feed, made } = countingFeed();
  const [first, second] = [new RecordingExchange(), new RecordingExchange()];
  feed.watch(first);
  feed.watch(second);
  await waitFor('snapshots', () => numbersOf(second).length > 3);
  // Each got one of its own when it came; the ticks are shared.
  assert.equal(numbersOf(first).at(-1), numbersOf(second).at(-1));
  first.abort();
  second.abort();
  assert.equal(feed.viewers, 0);
  const before = made();
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(made(), before);
});

test('a slow viewer misses snapshots instead of filling memory', async () => {
  const { feed } = countingFeed();
  const [slow, quick] = [new RecordingExchange(), new RecordingExchange()];
  feed.watch(slow);
  feed.watch(quick);
  slow.accepts = false;
  await waitFor('the slow one is full', () => numbersOf(quick).length > 2);
  const stuck = slow.chunks.length;
  await waitFor('the quick one goes on', () => numbersOf(quick).length > 6);
  assert.equal(slow.chunks.length, stuck);
  slow.drain();
  await waitFor('the slow one goes on', () => slow.chunks.length > stuck);
  assert.ok((numbersOf(slow).at(-1) ?? 0) > 6, 'with the newest snapshot');
  feed.close();
});

test('the seventeenth viewer is refused, and taken once another has left', () => {
  const { feed } = countingFeed();
  const viewers = Array.from({ length: 16 }, () => new RecordingExchange());
  for (const viewer of viewers) feed.watch(viewer);
  assert.throws(
    () => feed.watch(new RecordingExchange()),
    (error) => error instanceof RouterError && error.code === 'queue_full',
  );
  viewers[3]?.abort();
  feed.watch(new RecordingExchange());
  feed.close();
});
