import assert from 'node:assert/strict';
import test from 'node:test';
import { PrefillSpeed } from '../../src/endpoint/prefill-speed.js';
import { runSeed, seededRandom } from '../support/random.js';

test('the slope is found under an overhead and noise', () => {
  const seed = runSeed;
  const random = seededRandom(seed);
  const speed = new PrefillSpeed(2);
  for (let i = 0; i < 300; i += 1) {
    const tokens = 200 + random() * 12_000;
    speed.add(1, tokens, 25 + tokens * 0.023 + (random() - 0.5) * 20);
  }
  const found = speed.msPerToken(1) ?? 0;
  assert.ok(Math.abs(found / 0.023 - 1) < 0.05, `found ${found}, seed ${seed}`);
  assert.equal(speed.msPerToken(0), null);
});

test('few samples, or equal prompts, say nothing', () => {
  const speed = new PrefillSpeed(2);
  for (let i = 0; i < 10; i += 1) speed.add(0, i * 1000, i * 23);
  assert.equal(speed.msPerToken(0), null);
  for (let i = 0; i < 500; i += 1) speed.add(1, 1000 + (i % 3), 40 + (i % 7));
  assert.equal(speed.msPerToken(1), null);
});

test('an endpoint that slows down is known by it after some hundred answers', () => {
  const random = seededRandom(3);
  const speed = new PrefillSpeed(1);
  for (let i = 0; i < 2000; i += 1) {
    const tokens = random() * 8000;
    speed.add(0, tokens, tokens * (i < 1000 ? 0.02 : 0.06));
  }
  assert.ok(Math.abs((speed.msPerToken(0) ?? 0) - 0.06) < 0.002);
});

test('a new tenant starts without the measurements of the last one', () => {
  const speed = new PrefillSpeed(1);
  for (let i = 0; i < 100; i += 1) speed.add(0, i * 100, i * 2);
  assert.notEqual(speed.msPerToken(0), null);
  speed.forget(0);
  assert.equal(speed.msPerToken(0), null);
});
