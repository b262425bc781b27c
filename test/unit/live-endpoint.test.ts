import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_THRESHOLDS } from '../../src/endpoint/endpoint-health.js';
import { parseEngineMetrics } from '../../src/endpoint/engine-metrics.js';
import { InflightLoad } from '../../src/endpoint/inflight-load.js';
import { newCounts } from '../../src/events/event-counts.js';
import type { EventState } from '../../src/events/event-messages.js';
import { ownChain } from '../../src/prefix/own-chain.js';
import { LiveEndpoint } from '../../src/router/live-endpoint.js';

const STATE: EventState = {
  slot: 0,
  epoch: 1,
  trust: 'degraded',
  reason: 'no run of blocks seen yet',
  settings: null,
  connected: true,
  isBeingRepaired: false,
  sequence: null,
  counts: newCounts(),
  lagSeconds: null,
};
const PROVEN: EventState = { ...STATE, trust: 'exact', settings: ownChain(16) };

function start() {
  const clock = { nowMs: 50 };
  const endpoint = {
    ...{ slot: 0, epoch: 1, name: 'a', url: 'http://a', model: 'm' },
    ...{ kvEvents: null, kvReplay: null, dataParallelRank: null },
  };
  const live = new LiveEndpoint(
    endpoint,
    new InflightLoad(1),
    DEFAULT_THRESHOLDS,
    () => clock.nowMs,
  );
  return { live, clock };
}

test('an endpoint whose events cannot come is estimated at once', () => {
  const { live } = start();
  assert.equal(live.trust, 'degraded');
  live.hear({ ...STATE, trust: 'none', reason: 'no event address is configured' });
  assert.equal(live.trust, 'estimated');
  assert.match(live.trustReason, /no event address is configured: estimated/);
});

test('an engine that stays silent after a request is estimated, until an event proves it', () => {
  const { live, clock } = start();
  live.hear(STATE);
  clock.nowMs += 60_000;
  assert.equal(live.trust, 'degraded', 'nothing was asked of it, so it had nothing to say');
  live.hasStored();
  clock.nowMs += 4_999;
  assert.equal(live.trust, 'degraded');
  clock.nowMs += 1;
  live.hasStored();
  assert.equal(live.trust, 'estimated');
  live.hear(PROVEN);
  assert.equal(live.trust, 'exact');
  assert.equal(live.isUnproven, false);
});

test('an engine that restarts is degraded first, however long ago it was silent', () => {
  const { live, clock } = start();
  live.hear(STATE);
  live.hasStored();
  live.hear(PROVEN);
  live.hasStored();
  clock.nowMs += 60_000;
  live.hear({ ...STATE, reason: 'the engine restarted' });
  assert.equal(live.trust, 'degraded');
});

test('an endpoint that gets nothing says why', () => {
  const { live } = start();
  live.health.succeeded();
  live.load.metrics = parseEngineMetrics('', null);
  assert.equal(live.unavailability, null);
  live.sleeping(true);
  assert.equal(live.unavailability, 'asleep');
  live.health.failed('nothing within 5 ms', true);
  assert.equal(live.unavailability, 'nothing within 5 ms');
  live.draining = true;
  assert.equal(live.unavailability, 'draining');
});
