// Engines behind TLS with a key of their own: whatever the router asks them by itself carries both.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { loadPromptEncoder, shippedTokenizer } from '../../src/sim/model-encoder.js';
import { TestCa } from '../support/certificates.js';
import { guardEngine } from '../support/guarded-engine.js';
import { get, post } from '../support/openai-client.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const CHAT = '/v1/chat/completions';
const KEY = 'sk-engine';
const ca = new TestCa();
const certificate = ca.issue('engine');
const encoder = await loadPromptEncoder(shippedTokenizer());
const ENGINE_KEY = { apiKey: KEY, replaceAuthorization: true };

async function stage(context: TestContext, extra: object, model: object) {
  const choices = { model: TEST_MODEL, encoder, devRoutes: true };
  const [first, second] = await startSims(context, 2, choices);
  assert.ok(first !== undefined && second !== undefined);
  const guard = { certificate, key: KEY };
  const engines = [
    await guardEngine(context, first, guard),
    await guardEngine(context, second, guard),
  ] as const;
  const config = { tls: { caFile: ca.certFile }, devRoutes: true, ...extra };
  const monitor = { metricsIntervalMs: 50, healthIntervalMs: 50, modelsIntervalMs: 50 };
  const router = await startRouter(
    context,
    engines,
    { monitor: { ...monitor, tokenParityRate: 1 }, ...config },
    { model: { ...ENGINE_KEY, ...model } },
  );
  const endpoints = async () => (await get(`${router.adminUrl}/endpoints`)).body;
  return { engines, router, endpoints };
}

const chat = (content: string) => ({
  ...{ model: TEST_MODEL, max_tokens: 2 },
  messages: [{ role: 'user', content }],
});

test('probes, metrics, models, adapters, prompts and control calls reach guarded engines', async (context) => {
  const { engines, router } = await stage(context, {}, { tokenizer: 'engine' });
  const { url } = router;
  const text = 'The quick brown fox jumps over the lazy dog. '.repeat(20);
  const matched = async () => {
    const { status, headers } = await post(`${url}${CHAT}`, chat(text));
    assert.equal(status, 200);
    return Number(headers['x-warmpath-matched-tokens']);
  };
  await matched();
  await waitFor('a match by tokens of the engine', async () => (await matched()) > 100);
  const load = { lora_name: 'tuned', lora_path: '/adapters/tuned' };
  assert.equal((await post(`${url}/v1/load_lora_adapter`, load)).status, 200);
  const names = (await get(`${url}/v1/models`)).body.data.map(({ id }: { id: string }) => id);
  assert.deepEqual(names.toSorted(), [TEST_MODEL, 'tuned'].toSorted());
  assert.equal((await post(`${url}/reset_prefix_cache`, {})).status, 200);
  const all = ['GET /health', 'GET /metrics', 'GET /v1/models', 'POST /v1/load_lora_adapter'];
  for (const engine of engines) {
    for (const what of [...all, 'POST /reset_prefix_cache']) {
      assert.ok(engine.admitted.has(what), `${what} of ${[...engine.admitted]}`);
    }
    assert.deepEqual([...engine.refused], []);
  }
  assert.ok(engines.some(({ admitted }) => admitted.has(`POST ${CHAT}/render`)));
});

test('tokens are compared with those of guarded engines', async (context) => {
  const { engines, router } = await stage(context, {}, {});
  await post(`${router.url}${CHAT}`, chat('Hello there.'));
  await waitFor('the comparison', async () => {
    const { text } = await get(`${router.adminUrl}/metrics`);
    return text.includes('warmpath_token_parity_total{result="equal"} 1');
  });
  for (const { refused } of engines) assert.deepEqual([...refused], []);
});

test('an engine whose certificate nobody vouches for is out, and the reason says so', async (context) => {
  const other = new TestCa();
  const tls = { caFile: other.certFile };
  const { endpoints, engines, router } = await stage(context, { tls }, QUICK_TOKENIZER.model);
  await waitFor('both to be out', async () => {
    const list: { healthy: boolean; reason: string }[] = await endpoints();
    return list.every(({ healthy, reason }) => !healthy && /certificate/.test(reason));
  });
  assert.equal((await post(`${router.url}${CHAT}`, chat('a'))).status, 503);
  for (const { admitted } of engines) assert.equal(admitted.size, 0, 'the key was not shown');
});

test('with tls.verify off the certificate is not looked at', async (context) => {
  const { router } = await stage(context, { tls: { verify: false } }, QUICK_TOKENIZER.model);
  assert.equal((await post(`${router.url}${CHAT}`, chat('a'))).status, 200);
});
