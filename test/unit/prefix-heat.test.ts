import assert from 'node:assert/strict';
import test from 'node:test';
import { PrefixHeat } from '../../src/prefix/prefix-heat.js';

test('requests with a prefix are counted and fade in some ten seconds', () => {
  let nowMs = 0;
  const heat = new PrefixHeat(() => nowMs);
  for (let i = 0; i < 20; i += 1) heat.add(7n);
  assert.equal(heat.of(7n), 20);
  assert.equal(heat.of(8n), 0);
  nowMs = 10_000;
  assert.ok(Math.abs(heat.of(7n) - 20 / Math.E) < 1e-9);
  nowMs = 100_000;
  assert.ok(heat.of(7n) < 0.01);
});

test('a steady rate is worth its requests of ten seconds', () => {
  let nowMs = 0;
  const heat = new PrefixHeat(() => nowMs);
  for (; nowMs < 60_000; nowMs += 200) heat.add(1n);
  assert.ok(Math.abs(heat.of(1n) - 50) < 2, `${heat.of(1n)}`);
});

test('what is asked for stays, what is not gives way, and there is a limit', () => {
  const heat = new PrefixHeat(() => 0);
  heat.add(0n);
  for (let i = 1; i < 20_000; i += 1) {
    heat.add(BigInt(i));
    if (i % 1000 === 0) heat.add(0n);
  }
  assert.equal(heat.of(0n), 20);
  assert.equal(heat.of(1n), 0);
  assert.equal(heat.of(19_999n), 1);
});
