import assert from 'node:assert/strict';
import test from 'node:test';
import { EndpointHealth } from '../../src/endpoint/endpoint-health.js';

test('two failures are weather, three take an endpoint out', () => {
  const health = new EndpointHealth();
  health.failed('timeout', false);
  health.failed('timeout', false);
  assert.equal(health.healthy, true);
  health.failed('timeout', false);
  assert.equal(health.healthy, false);
  assert.equal(health.reason, 'timeout');
});

test('a success between failures starts the count again', () => {
  const health = new EndpointHealth();
  for (let i = 0; i < 10; i++) {
    health.failed('timeout', false);
    health.failed('timeout', false);
    health.succeeded();
  }
  assert.equal(health.healthy, true);
});

test('a refused connection takes an endpoint out at once', () => {
  const health = new EndpointHealth();
  health.failed('ECONNREFUSED', true);
  assert.equal(health.healthy, false);
});

test('two successes in a row bring it back, one does not', () => {
  const health = new EndpointHealth();
  health.failed('ECONNREFUSED', true);
  health.succeeded();
  assert.equal(health.healthy, false);
  health.failed('timeout', false);
  health.succeeded();
  assert.equal(health.healthy, false);
  health.succeeded();
  assert.equal(health.healthy, true);
  assert.equal(health.reason, '');
});
