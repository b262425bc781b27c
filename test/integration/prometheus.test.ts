// A real Prometheus takes the metrics page as it comes, exemplars included.
import assert from 'node:assert/strict';
import test from 'node:test';
import { get, post } from '../support/openai-client.js';
import { noPrometheus, promtoolComplaints, startPrometheus } from '../support/prometheus.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

test('Prometheus scrapes a router with traffic, and keeps its exemplars', {
  skip: noPrometheus,
}, async (t) => {
  const sims = await startSims(t, 2, { model: TEST_MODEL });
  const { url, adminUrl } = await startRouter(t, sims, {}, QUICK_TOKENIZER);
  const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
  for (let i = 0; i < 5; i += 1) {
    const body = { model: TEST_MODEL, prompt: Array(100).fill(i), max_tokens: 2 };
    assert.equal((await post(`${url}/v1/completions`, body, headers)).status, 200);
  }
  assert.equal(promtoolComplaints((await get(`${adminUrl}/metrics`)).text), '');

  const prometheus = await startPrometheus(t, new URL(adminUrl).host);
  const ask = async (path: string) => {
    try {
      return (await get(`${prometheus}/api/v1/${path}`)).body?.data ?? null;
    } catch {
      // It has not begun to listen.
      return null;
    }
  };
  const target = async () => (await ask('targets'))?.activeTargets?.[0];
  await waitFor('a scrape', async () => {
    const seen = await target();
    return seen !== undefined && seen.health !== 'unknown';
  });
  const { health, lastError } = await target();
  assert.deepEqual([health, lastError], ['up', '']);
  const query = encodeURIComponent('sum(warmpath_requests_total{code="200"})');
  await waitFor('the number of requests', async () => {
    return (await ask(`query?query=${query}`))?.result?.[0]?.value?.[1] === '5';
  });
  const now = Date.now() / 1000;
  const buckets = 'warmpath_decision_seconds_bucket{stage="total"}';
  const exemplars = await ask(
    `query_exemplars?query=${encodeURIComponent(buckets)}&start=${now - 60}&end=${now + 60}`,
  );
  assert.equal(exemplars?.[0]?.exemplars?.[0]?.labels?.trace_id, TRACE);
});
