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

test('requests that fail take an endpoint out although every poll succeeds', () => {
  const health = new EndpointHealth();
  for (let i = 0; i < 3; i++) {
    health.succeeded('poll');
    health.failed('reset', false, 'request');
  }
  assert.equal(health.healthy, false);
  assert.equal(health.reason, 'reset');
});

test('an engine that lies to polls comes back later each time, until a request succeeds', () => {
  const health = new EndpointHealth();
  const pollsToReturn = () => {
    for (let i = 0; i < 3; i++) health.failed('reset', false, 'request');
    let polls = 0;
    while (!health.healthy) {
      health.succeeded('poll');
      polls++;
    }
    return polls;
  };
  assert.deepEqual([pollsToReturn(), pollsToReturn(), pollsToReturn()], [4, 8, 16]);
  health.succeeded('request');
  assert.equal(pollsToReturn(), 4);
  let longest = 0;
  for (let i = 0; i < 20; i++) longest = pollsToReturn();
  assert.equal(longest, 2 * 2 ** 6);
});

test('polls too slow do not take out an engine that answers requests', () => {
  const health = new EndpointHealth();
  for (let i = 0; i < 20; i++) {
    health.failed('timeout', false, 'poll');
    health.succeeded('request');
  }
  assert.equal(health.healthy, true);
});

test('a request that ends well on an endpoint that is out does not bring it back', () => {
  const health = new EndpointHealth();
  health.failed('ECONNREFUSED', true);
  for (let i = 0; i < 10; i++) health.succeeded('request');
  assert.equal(health.healthy, false);
});

test('it is returning when its process was gone and a poll succeeds again', () => {
  const health = new EndpointHealth();
  health.failed('ECONNRESET', false, 'request');
  health.failed('ECONNREFUSED', true);
  assert.equal(health.isReturning, false);
  health.succeeded();
  assert.deepEqual([health.healthy, health.isReturning], [false, true]);
  health.failed('timeout', false);
  assert.equal(health.isReturning, false);
  for (let i = 0; i < 2; i++) health.succeeded();
  assert.deepEqual([health.healthy, health.isReturning], [true, false]);
  for (let i = 0; i < 3; i++) health.failed('timeout', false, 'request');
  health.succeeded();
  assert.deepEqual([health.healthy, health.isReturning], [false, false], 'it was never gone');
});

test('thresholds are settings', () => {
  const health = new EndpointHealth({ failuresToUnhealthy: 1, successesToHealthy: 1 });
  health.failed('timeout', false);
  assert.equal(health.healthy, false);
  health.succeeded();
  assert.equal(health.healthy, true);
});
