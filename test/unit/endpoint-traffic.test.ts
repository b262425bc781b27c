import assert from 'node:assert/strict';
import test from 'node:test';
import { EndpointTraffic } from '../../src/traffic/endpoint-traffic.js';

test('a request counts half after 30 seconds', () => {
  const traffic = new EndpointTraffic();
  traffic.sent(1000);
  traffic.sent(1000);
  assert.equal(traffic.weight(1000), 2);
  assert.ok(Math.abs(traffic.weight(31_000) - 1) < 1e-9);
});

test('the hit ratio follows recent answers, and an endpoint long idle has none', () => {
  const traffic = new EndpointTraffic();
  assert.equal(traffic.hitRatio(0), null);
  traffic.reported(1000, 0, 0);
  assert.equal(traffic.hitRatio(0), 0);
  traffic.reported(1000, 1000, 300_000);
  assert.ok((traffic.hitRatio(300_000) ?? 0) > 0.99);
  assert.equal(traffic.hitRatio(3_600_000), null);
});
