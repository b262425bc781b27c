import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parseConfig } from '../../src/config/config.js';
import { type LogFields, log } from '../../src/log.js';
import { createMetrics } from '../../src/metrics.js';
import { PredictedBlocks } from '../../src/prefix/predicted-blocks.js';
import { PrefixIndex } from '../../src/prefix/prefix-index.js';
import { RoutingHistory } from '../../src/prefix/routing-history.js';
import { DecisionBook } from '../../src/router/decision-book.js';
import { Fleet } from '../../src/router/fleet.js';
import { Heartbeat, type HeartbeatParts, summary } from '../../src/router/heartbeat.js';

const CONFIG = parseConfig(
  'models: [{ name: m, tokenizer: t, endpoints: { static: [{ url: "http://127.0.0.1:1" }] } }]',
  'test.yaml',
).config;

/** A router without endpoints, of which only the counters matter here. */
function parts(context: TestContext): HeartbeatParts {
  const metrics = createMetrics();
  const index = PrefixIndex.open({ maxBytes: 2 ** 20 });
  const book = new DecisionBook({ limit: 8, index, metrics });
  const fleet = new Fleet({
    models: [],
    endpointLimit: 8,
    history: new RoutingHistory(() => 0),
    predicted: new PredictedBlocks(1000),
    monitor: CONFIG.monitor,
    release: () => {},
    random: () => 0,
  });
  context.after(() => index.close());
  const queue = () => ({ quick: 0, threaded: 0, waiting: 2, running: 1, overdue: 0, refused: 7 });
  return { book, fleet, index, queue, metrics };
}

test('every five seconds there is a point, and every minute a line that sums the minute up', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const lines: LogFields[] = [];
  context.mock.method(log, 'info', (message: string, fields: LogFields) => {
    lines.push({ message, ...fields });
  });
  const router = parts(context);
  const { traffic } = router.book;
  const heartbeat = new Heartbeat(router);
  context.after(() => heartbeat.close());
  traffic.decided(1000, 800, 0.5);
  traffic.reported(1000, 800, 768);
  context.mock.timers.tick(55_000);
  assert.equal(traffic.points.length, 11);
  assert.deepEqual(lines, []);
  context.mock.timers.tick(5_000);
  assert.equal(lines.length, 1);
  const { message, requests, hitRatioPredicted, hitRatioActual }: LogFields = lines[0] ?? {};
  assert.deepEqual([message, requests], ['last minute', 1]);
  assert.deepEqual([hitRatioPredicted, hitRatioActual], [0.8, 0.768]);
  context.mock.timers.tick(60_000);
  assert.equal(lines[1]?.['requests'], 0, 'each minute is summed up once');
});

test('queued are those that wait for a tokenizer and those that wait for an engine', (context) => {
  const router = parts(context);
  router.metrics.waitingRequests.set({ model: 'a' }, 3);
  router.metrics.waitingRequests.set({ model: 'b' }, 4);
  assert.equal(summary(router)['queued'], 9);
  assert.equal(summary(router)['refusedSinceStart'], 7);
});
