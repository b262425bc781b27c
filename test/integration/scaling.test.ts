// The fleet grows and shrinks under load, as an API server tells of its pods.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import { KubeApiServer } from '../support/kube-api-server.js';
import { PODS, pod } from '../support/kube-objects.js';
import { get, post } from '../support/openai-client.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

/** From the issue: a new engine gets work within this. */
const FIRST_WORK_MS = 2000;
const CLIENTS = 12;
const NEW = [2, 3, 4, 5];

/** Simulated engines share an address, so each says its ports. */
function podOf(sim: SimEngine, name: string, choices: { terminating?: boolean } = {}) {
  const port = (address: string | null) => new URL(address ?? '').port;
  const annotations = {
    'warmpath/port': port(sim.url),
    'warmpath/kv-events-port': port(sim.kvEvents),
    'warmpath/kv-replay-port': port(sim.kvReplay),
  };
  return pod(name, { ip: '127.0.0.1', annotations, ...choices });
}

test('2 engines become 6 and 2 again under load: no request fails, new ones work, old ones rest', async (t) => {
  const api = await KubeApiServer.start(t);
  const sims = await startSims(t, 6, { model: TEST_MODEL, timing: 'qwen2.5-7b-h100', speedup: 20 });
  const name = (i: number) => `vllm-${i}`;
  const put = (i: number, choices = {}) => {
    const sim = sims[i];
    assert.ok(sim !== undefined);
    api.put(PODS, podOf(sim, name(i), choices));
  };
  put(0);
  put(1);
  const router = await startRouter(
    t,
    [],
    {},
    {
      model: {
        ...QUICK_TOKENIZER.model,
        endpoints: { kubernetes: { selector: 'app=vllm', kubeconfig: api.kubeconfig } },
      },
    },
  );
  const { fleet } = router.assembly;
  const served = new Map<string, number>();
  const failures: string[] = [];
  let loading = true;
  let sent = 0;
  let drainedMs = Number.POSITIVE_INFINITY;
  const client = async (number: number) => {
    while (loading) {
      const first = number * 31 + (sent % 7) * 13;
      const prompt = Array.from({ length: 80 }, (_, i) => (first + i) % 500);
      sent += 1;
      const startMs = performance.now();
      const body = { model: TEST_MODEL, prompt, max_tokens: 8, stream: sent % 2 === 0 };
      const { status, headers, text } = await post(`${router.url}/v1/completions`, body);
      const endpoint = String(headers['x-warmpath-endpoint']);
      served.set(endpoint, (served.get(endpoint) ?? 0) + 1);
      if (status !== 200) failures.push(`${status} ${text}`);
      if (body.stream && !text.endsWith('data: [DONE]\n\n')) failures.push(`cut: ${text}`);
      if (startMs > drainedMs && NEW.some((i) => endpoint === name(i))) {
        failures.push(`${endpoint} got a request after it had begun to leave`);
      }
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, i) => client(i));
  const works = (i: number) => (served.get(name(i)) ?? 0) > 0;
  await waitFor('work on both', () => works(0) && works(1));

  const grownMs = performance.now();
  for (const i of NEW) put(i);
  await waitFor('work on all six', () => NEW.every(works), FIRST_WORK_MS);
  t.diagnostic(`new engines had work after ${Math.round(performance.now() - grownMs)} ms`);
  const sentGrown = sent;
  await waitFor('load on six', () => sent > sentGrown + 300);

  // As Kubernetes does it: terminating, its last requests, gone.
  for (const i of NEW) put(i, { terminating: true });
  const draining = () => fleet.all.filter((live) => live.draining);
  await waitFor('four that drain', () => draining().length === NEW.length);
  drainedMs = performance.now();
  await waitFor('their last answers', () =>
    draining().every(({ load }) => load.inflightRequests === 0),
  );
  for (const i of NEW) {
    api.delete(PODS, name(i));
    sims[i]?.close();
  }
  await waitFor('two left', () => fleet.all.length === 2);
  const sentShrunk = sent;
  await waitFor('load on two', () => sent > sentShrunk + 300);
  loading = false;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
  assert.doesNotMatch((await get(`${router.adminUrl}/metrics`)).text, /^warmpath_retries_total/m);
  t.diagnostic(`${sent} requests, ${JSON.stringify(Object.fromEntries(served))}`);
});
