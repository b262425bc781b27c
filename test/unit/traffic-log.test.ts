import assert from 'node:assert/strict';
import test from 'node:test';
import { TrafficLog, WINDOW_MS } from '../../src/traffic/traffic-log.js';

const IDLE = { inflightRequests: 0, eventLagSeconds: null };

test('hits are compared over the same answers: those whose engine reports', () => {
  const log = new TrafficLog();
  log.decided(1000, 800, 1);
  log.decided(1000, 0, 1);
  assert.equal(log.lastMinute().hitPredicted, 0.4);
  assert.equal(log.lastMinute().hitActual, null);
  log.reported(1000, 800, 784);
  assert.equal(log.lastMinute().hitPredicted, 0.8);
  assert.equal(log.lastMinute().hitActual, 0.784);
});

test('a request leaves the last minute after a minute and never the total', () => {
  const log = new TrafficLog();
  log.decided(100, 50, 2);
  for (let i = 0; i < 11; i += 1) log.roll(i * WINDOW_MS, IDLE);
  assert.equal(log.lastMinute().requests, 1);
  log.roll(11 * WINDOW_MS, IDLE);
  assert.equal(log.lastMinute().requests, 0);
  assert.equal(log.total.requests, 1);
});

test('points say what happened in their window, and an hour of them is kept', () => {
  const log = new TrafficLog();
  for (let i = 0; i < 10; i += 1) log.decided(100, 50, 4);
  log.firstToken(40);
  log.roll(5000, { inflightRequests: 3, eventLagSeconds: 0.2 });
  const [point] = log.points;
  assert.equal(point?.requestsPerSecond, 2);
  assert.equal(point?.promptTokensPerSecond, 200);
  assert.equal(point?.hitPredicted, 0.5);
  assert.ok(Math.abs((point?.decisionP99Ms ?? 0) / 4 - 1) < 0.04);
  assert.ok(Math.abs((point?.ttftP50Ms ?? 0) / 40 - 1) < 0.04);
  assert.equal(point?.inflightRequests, 3);
  for (let i = 2; i <= 800; i += 1) log.roll(i * WINDOW_MS, IDLE);
  assert.equal(log.points.length * WINDOW_MS, 3_600_000);
  assert.equal(log.points.at(-1)?.time, 800 * WINDOW_MS);
});

test('an idle window has no hit ratio and no latency rather than 0', () => {
  const log = new TrafficLog();
  log.roll(5000, IDLE);
  const [point] = log.points;
  assert.equal(point?.requestsPerSecond, 0);
  assert.equal(point?.hitPredicted, null);
  assert.equal(point?.ttftP50Ms, null);
});
