import assert from 'node:assert/strict';
import test from 'node:test';
import { LatencySketch } from '../../src/traffic/latency-sketch.js';
import { runSeed, seededRandom } from '../support/random.js';

test('quantiles are within 4 % of those of the sorted values', (context) => {
  context.diagnostic(`seed ${runSeed}`);
  const random = seededRandom(runSeed);
  const sketch = new LatencySketch();
  const values = Array.from({ length: 5000 }, () => 0.01 * Math.exp(random() * 12));
  for (const value of values) sketch.add(value);
  values.sort((a, b) => a - b);
  for (const q of [0.01, 0.5, 0.9, 0.99, 1]) {
    const exact = values[Math.max(0, Math.ceil(q * values.length) - 1)] ?? 0;
    const found = sketch.quantileMs(q) ?? 0;
    assert.ok(Math.abs(found / exact - 1) < 0.04, `q ${q}: ${found}, exactly ${exact}`);
  }
});

test('two sketches together are the sketch of all values', () => {
  const [all, even, odd] = [new LatencySketch(), new LatencySketch(), new LatencySketch()];
  for (let i = 1; i < 400; i += 1) {
    all.add(i);
    (i % 2 === 0 ? even : odd).add(i);
  }
  even.addAll(odd);
  assert.equal(even.count, all.count);
  for (const q of [0.1, 0.5, 0.99]) assert.equal(even.quantileMs(q), all.quantileMs(q));
});

test('nothing added has no quantile, and values beyond either end count as the end', () => {
  const sketch = new LatencySketch();
  assert.equal(sketch.quantileMs(0.5), null);
  sketch.add(0);
  sketch.add(-1);
  assert.ok((sketch.quantileMs(1) ?? 1) < 0.0011);
  sketch.add(1e12);
  assert.ok((sketch.quantileMs(1) ?? 0) > 9e5);
});
