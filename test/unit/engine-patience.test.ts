import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnginePatience } from '../../src/router/engine-patience.js';
import type { LiveEndpoint } from '../../src/router/live-endpoint.js';
import { liveEndpoints } from '../support/live-endpoints.js';

const WELL = { failed: false, lacksRender: false };
const SICK = { failed: true, lacksRender: false };
const NOBODY: ReadonlySet<LiveEndpoint> = new Set();

function stage(count: number) {
  const clock = { ms: 0 };
  const patience = new EnginePatience(() => clock.ms);
  return { clock, patience, endpoints: liveEndpoints(count) };
}

test('the engine with the fewest questions is asked, and not one that was asked already', () => {
  const { patience, endpoints } = stage(2);
  const [a, b] = endpoints;
  assert.ok(a !== undefined && b !== undefined);
  patience.begin(a);
  assert.equal(patience.choose(endpoints, NOBODY), b);
  assert.equal(patience.choose(endpoints, new Set([b])), a);
  patience.begin(b);
  patience.begin(b);
  assert.equal(patience.choose(endpoints, NOBODY), a);
  assert.equal(patience.choose(endpoints, new Set(endpoints)), null);
});

test('an engine that fails rests twice as long each time, at most half a minute', () => {
  const { patience, endpoints, clock } = stage(1);
  const [only] = endpoints;
  assert.ok(only !== undefined);
  for (const restMs of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    patience.begin(only);
    patience.end(only, SICK);
    clock.ms += restMs - 1;
    assert.equal(patience.choose(endpoints, NOBODY), null);
    clock.ms += 1;
    assert.equal(patience.choose(endpoints, NOBODY), only);
  }
  patience.begin(only);
  patience.end(only, WELL);
  patience.begin(only);
  patience.end(only, SICK);
  clock.ms += 1000;
  assert.equal(patience.choose(endpoints, NOBODY), only);
});

test('many questions that fail together are one failure', () => {
  const { patience, endpoints, clock } = stage(1);
  const [only] = endpoints;
  assert.ok(only !== undefined);
  for (let i = 0; i < 10; i += 1) patience.begin(only);
  for (let i = 0; i < 10; i += 1) patience.end(only, SICK);
  clock.ms = 1000;
  assert.equal(patience.choose(endpoints, NOBODY), only);
});

test('an engine answers a bounded number of questions at a time', () => {
  const { patience, endpoints } = stage(1);
  const [only] = endpoints;
  assert.ok(only !== undefined);
  let asked = 0;
  while (patience.choose(endpoints, NOBODY) !== null) {
    patience.begin(only);
    asked += 1;
    assert.ok(asked < 1000);
  }
  patience.end(only, WELL);
  assert.equal(patience.choose(endpoints, NOBODY), only);
});

test('that an engine has no render route is known for a while', () => {
  const { patience, endpoints, clock } = stage(1);
  const [only] = endpoints;
  assert.ok(only !== undefined);
  patience.begin(only);
  patience.end(only, { failed: false, lacksRender: true });
  assert.equal(patience.lacksRender(only), true);
  clock.ms = 60_000;
  assert.equal(patience.lacksRender(only), false);
});
