import assert from 'node:assert/strict';
import test from 'node:test';
import { Counter } from '../../src/metrics/counter.js';
import { Gauge } from '../../src/metrics/gauge.js';
import { Histogram } from '../../src/metrics/histogram.js';
import { Registry } from '../../src/metrics/registry.js';
import { createMetrics } from '../../src/metrics.js';
import { parseMetrics } from '../support/metrics-parser.js';

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** The names and labels that DESIGN.md, section 3, promises. */
const PROMISED: Readonly<Record<string, readonly string[]>> = {
  warmpath_requests_total: ['model', 'endpoint', 'code'],
  warmpath_decision_seconds: ['stage'],
  warmpath_prompt_tokens_total: ['model'],
  warmpath_matched_tokens_total: ['model'],
  warmpath_cached_tokens_actual_total: ['model'],
  warmpath_match_error_tokens: [],
  warmpath_index_blocks: [],
  warmpath_index_bytes: [],
  warmpath_events_total: ['endpoint', 'type'],
  warmpath_event_gaps_total: ['endpoint'],
  warmpath_event_lag_seconds: ['endpoint'],
  warmpath_endpoint_trust: ['endpoint', 'state'],
  warmpath_endpoint_score: ['endpoint'],
  warmpath_inflight_requests: ['endpoint'],
  warmpath_time_to_first_token_seconds: ['model'],
  warmpath_queue_depth: [],
};

test('every promised metric exists with its labels', () => {
  const described = createMetrics().registry.describe();
  for (const [name, labels] of Object.entries(PROMISED)) {
    const found = described.find((one) => one.name === name);
    assert.deepEqual(found?.labels, labels, name);
  }
  const names = described.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});

test('a page with hard values is valid in both formats and says the same in both', () => {
  const metrics = createMetrics();
  const model = 'a "quoted"\\model\nof two lines';
  metrics.requests.inc({ model, endpoint: 'a', code: 200 });
  metrics.requests.inc({ model, endpoint: 'a', code: 200 }, 2);
  metrics.matchErrorTokens.observe({}, -16);
  metrics.matchErrorTokens.observe({}, 1e9);
  metrics.decisionSeconds.observe({ stage: 'total' }, 3e-5, TRACE);
  metrics.eventLagSeconds.set({ endpoint: 'a' }, Number.NaN);
  metrics.indexBytes.set({}, Number.POSITIVE_INFINITY);
  const plain = metrics.registry.page(undefined);
  assert.equal(plain.contentType, 'text/plain; version=0.0.4; charset=utf-8');
  const old = parseMetrics(plain.text, 'prometheus');
  const open = metrics.registry.page(OPENMETRICS);
  assert.match(open.contentType, /^application\/openmetrics-text; version=1\.0\.0/);
  const current = parseMetrics(open.text, 'openmetrics');

  const requests = old.get('warmpath_requests_total')?.samples;
  assert.deepEqual(
    requests?.map(({ labels, value }) => ({ labels, value })),
    [{ labels: { model, endpoint: 'a', code: '200' }, value: 3 }],
  );
  assert.deepEqual(current.get('warmpath_requests')?.samples[0]?.value, 3);
  const errors = old.get('warmpath_match_error_tokens')?.samples ?? [];
  assert.equal(errors.find(({ labels }) => labels['le'] === '-16')?.value, 1);
  assert.equal(errors.find(({ labels }) => labels['le'] === '4096')?.value, 1);
  const buckets = current.get('warmpath_decision_seconds')?.samples ?? [];
  assert.match(buckets[0]?.exemplar ?? '', new RegExp(`^{trace_id="${TRACE}"} 0.00003 `));
});

test('a registry can be read in one format and then in the other', () => {
  const metrics = createMetrics();
  parseMetrics(metrics.registry.page(OPENMETRICS).text, 'openmetrics');
  parseMetrics(metrics.registry.page(undefined).text, 'prometheus');
});

test('metrics without labels show 0 before anything happened', () => {
  const page = createMetrics().registry.page(undefined).text;
  assert.match(page, /^warmpath_queue_depth 0$/m);
  assert.match(page, /^warmpath_match_error_tokens_count 0$/m);
});

test('an endpoint that is forgotten leaves no series behind', () => {
  const registry = new Registry();
  const counter = registry.add(new Counter('c', 'Counts something.', ['endpoint', 'code']));
  const gauge = registry.add(new Gauge('g', 'Measures something.', ['endpoint']));
  counter.inc({ endpoint: 'a', code: 200 });
  counter.inc({ endpoint: 'b', code: 200 });
  counter.inc({ endpoint: 'a', code: 500 });
  gauge.set({ endpoint: 'a' }, 1);
  registry.forget('endpoint', 'a');
  const { text } = registry.page(undefined);
  assert.doesNotMatch(text, /endpoint="a"/);
  assert.match(text, /^c_total\{endpoint="b",code="200"\} 1$/m);
});

test('a label that never stops changing is counted under other', () => {
  const counter = new Counter('c', 'Counts something.', ['who']);
  for (let i = 0; i < 20_100; i += 1) counter.inc({ who: `nobody-${i}` });
  const text = counter.page('prometheus');
  assert.equal(text.split('\n').length, 2 + 20_000 + 1 + 1);
  assert.match(text, /^c_total\{who="other"\} 100$/m);
});

test('what is no number changes neither counter nor histogram', () => {
  const counter = new Counter('c', 'Counts something.', []);
  counter.inc({}, Number.NaN);
  counter.inc({}, -1);
  assert.equal(counter.at({}).value, 0);
  const histogram = new Histogram('h', 'Measures something.', [], [1]);
  histogram.observe({}, Number.NaN);
  assert.equal(histogram.at({}).count, 0);
});
