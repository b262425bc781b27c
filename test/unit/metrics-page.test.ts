import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEngineMetrics } from '../../src/endpoint/engine-metrics.js';
import { Histogram } from '../../src/sim/engine-counters.js';
import { metricsPage } from '../../src/sim/metrics-page.js';
import { PrometheusPage } from '../../src/sim/prometheus-page.js';
import { engineOptionsOf } from '../../src/sim/sim-options.js';
import { metricsOf } from '../../src/sim/virtual-fleet.js';
import { get } from '../support/openai-client.js';
import { startSim } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

test('a page names each metric once and escapes labels', () => {
  const page = new PrometheusPage([1, 2], (engine) => ({
    engine: String(engine),
    path: 'a"b\\\n',
  }));
  page.gauge('g', (engine) => engine * 10);
  page.counter('c', () => 1);
  page.family('f', 'counter', () => [[{ reason: 'x' }, 2]]);
  assert.deepEqual(page.text().split('\n'), [
    '# HELP g Simulated.',
    '# TYPE g gauge',
    'g{engine="1",path="a\\"b\\\\\\n"} 10',
    'g{engine="2",path="a\\"b\\\\\\n"} 20',
    '# HELP c_total Simulated.',
    '# TYPE c_total counter',
    'c_total{engine="1",path="a\\"b\\\\\\n"} 1',
    'c_total{engine="2",path="a\\"b\\\\\\n"} 1',
    '# HELP f_total Simulated.',
    '# TYPE f_total counter',
    'f_total{engine="1",path="a\\"b\\\\\\n",reason="x"} 2',
    'f_total{engine="2",path="a\\"b\\\\\\n",reason="x"} 2',
    '',
  ]);
});

test('histogram buckets count everything up to their bound', () => {
  const histogram = new Histogram([1, 2]);
  for (const value of [0.5, 1, 1.5, 9]) histogram.observe(value);
  const page = new PrometheusPage([histogram], () => ({}));
  page.histogram('h', (source) => source);
  assert.deepEqual(page.text().split('\n').slice(2), [
    'h_bucket{le="1"} 2',
    'h_bucket{le="2"} 3',
    'h_bucket{le="+Inf"} 4',
    'h_count{} 4',
    'h_sum{} 12',
    '',
  ]);
});

for (const [metricNames, present, absent] of [
  ['current', 'vllm:kv_cache_usage_perc{', 'vllm:gpu_cache_usage_perc{'],
  ['old', 'vllm:gpu_cache_usage_perc{', 'vllm:kv_cache_usage_perc{'],
] as const) {
  test(`${metricNames} names of the cache metrics`, async (t) => {
    const sim = await startSim(t, { metricNames });
    const { text } = await get(`${sim.url}/metrics`);
    assert.ok(text.includes(present));
    assert.ok(!text.includes(absent));
    const names = text.match(/^# TYPE \S+/gm) ?? [];
    assert.equal(new Set(names).size, names.length);
  });
}

test('routers in virtual time are told what the page of the same engine says', async (t) => {
  const limits = { timing: 'qwen3-32b-tp2-h100', kvTokens: 4000, maxNumSeqs: 1 };
  const sim = await startSim(t, limits);
  const body = JSON.stringify({ prompt: 'x'.repeat(900), max_tokens: 1000, ignore_eos: true });
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  for (let i = 0; i < 3; i += 1) {
    const headers = { 'content-type': 'application/json' };
    const { signal } = leaving;
    const answer = fetch(`${sim.url}/v1/completions`, { method: 'POST', headers, body, signal });
    answer.catch(() => {});
  }
  const [{ engine }] = sim.ranks;
  await waitFor('the queue', () => engine.waitingRequests === 2);
  const { options, models, ranks, stats } = sim;
  const page = parseEngineMetrics(
    metricsPage({ options, models, ranks, startedAt: 1, lag: stats.lag }),
  );
  const told = metricsOf(engine, engineOptionsOf(options));
  assert.ok(told.kvCacheUsage > 0.2);
  // What virtual engines have none of.
  const { hashAlgorithm, startedAt } = page;
  assert.deepEqual({ ...told, hashAlgorithm, startedAt }, page);
});
