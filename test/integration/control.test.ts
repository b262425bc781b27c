// Calls that change the state of engines, through the router: whom they reach, what they answer, and
// that the router knows at once what they did to the caches.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { SimOptions } from '../../src/sim/sim-options.js';
import { get, post } from '../support/openai-client.js';
import { PoolWatch } from '../support/pool-watch.js';
import { startRouter, TEST_MODEL } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';
import { waitFor } from '../support/wait-for.js';

const SIM: Partial<SimOptions> = { model: TEST_MODEL, hashSeed: '42', devRoutes: true };
const model = { tokenizer: tinyTokenizerFolder({}) };
const prompt = Array.from({ length: 100 }, (_, i) => i);

async function stage(t: TestContext, extra: Record<string, unknown> = {}, sim = SIM) {
  const sims = await startSims(t, 2, sim);
  const router = await startRouter(t, sims, { devRoutes: true, ...extra }, { model });
  const watch = new PoolWatch(router.assembly, sims);
  for (const { url } of sims) {
    await post(`${url}/v1/completions`, { model: TEST_MODEL, prompt, max_tokens: 4 });
  }
  await waitFor('equal pools', () => {
    const { phantom, missing } = watch.compare();
    return watch.seenCount > 0 && phantom + missing === 0;
  });
  const blocks = () =>
    router.assembly.fleet.all.map((live) => {
      return router.assembly.index.blocksOf(live.endpoint.slot, 0);
    });
  const complete = () =>
    post(`${router.url}/v1/completions`, { model: TEST_MODEL, prompt, max_tokens: 4 });
  return { ...router, sims, watch, blocks, complete };
}

test('a reset reaches every engine, and their blocks are gone before any event says so', async (t) => {
  const { url, sims, blocks, complete } = await stage(t);
  assert.ok(blocks().every((count) => count > 0));
  const answer = await post(`${url}/reset_prefix_cache`, {});
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, {
    success: true,
    endpoints: {
      a: { status: 200, body: { success: true } },
      b: { status: 200, body: { success: true } },
    },
  });
  assert.ok(sims.every((sim) => sim.blockHashes().size === 0));
  await waitFor('no blocks', () => blocks().every((count) => count === 0));
  const { headers, body } = await complete();
  assert.equal(headers['x-warmpath-matched-tokens'], '0');
  assert.equal(body.usage.prompt_tokens_details.cached_tokens, 0);
});

test('one engine is reached by its name, and its answer comes back as it is', async (t) => {
  const { url, sims, blocks } = await stage(t);
  const answer = await post(`${url}/reset_prefix_cache`, {}, { 'x-warmpath-endpoint': 'b' });
  assert.deepEqual(answer.body, { success: true });
  assert.ok((sims[0]?.blockHashes().size ?? 0) > 0);
  await waitFor('no blocks of b', () => blocks()[1] === 0);
  assert.ok((blocks()[0] ?? 0) > 0);
  const unknown = await post(`${url}/sleep`, {}, { 'x-warmpath-endpoint': 'c' });
  assert.equal(unknown.status, 404);
  assert.match(unknown.body.error.message, /no endpoint "c"/);
  const otherModel = await post(`${url}/sleep`, {}, { 'x-warmpath-model': 'gpt-2' });
  assert.equal(otherModel.status, 404);
});

test('an engine sent to sleep gets no requests until it is woken', async (t) => {
  const { url, complete, blocks } = await stage(t);
  await post(`${url}/sleep?level=1`, {}, { 'x-warmpath-endpoint': 'a' });
  await waitFor('no blocks of a', () => blocks()[0] === 0);
  for (let i = 0; i < 4; i += 1) {
    assert.equal((await complete()).headers['x-warmpath-endpoint'], 'b');
  }
  assert.equal((await post(`${url}/sleep`, {})).status, 200);
  assert.equal((await complete()).status, 503);
  const sleeping = await get(`${url}/is_sleeping`);
  assert.deepEqual(sleeping.body.endpoints.a.body, { is_sleeping: true });
  assert.equal((await post(`${url}/wake_up`, {})).body.success, true);
  assert.equal((await complete()).status, 200);
});

test('sleep that did not go through the router is seen in the metrics', async (t) => {
  const { sims, blocks } = await stage(t, { monitor: { metricsIntervalMs: 50 } });
  await post(`${sims[0]?.url}/sleep`, {});
  await waitFor('no blocks of a', () => blocks()[0] === 0);
  assert.ok((blocks()[1] ?? 0) > 0);
});

test('a reset that an engine refuses clears nothing', async (t) => {
  const { url, sims, blocks } = await stage(t, {}, { ...SIM, timing: 'qwen2.5-7b-h100' });
  const [busy] = sims;
  const running = post(`${busy?.url}/v1/completions`, {
    model: TEST_MODEL,
    prompt,
    max_tokens: 60,
  });
  await waitFor('a running request', () => (busy?.stats.runningRequests ?? 0) > 0);
  const answer = await post(`${url}/reset_prefix_cache`, {});
  assert.equal(answer.body.success, false);
  assert.deepEqual(answer.body.endpoints.a, { status: 200, body: { success: false } });
  await waitFor('no blocks of b', () => blocks()[1] === 0);
  assert.ok((blocks()[0] ?? 0) > 0);
  await running;
});

test('an adapter loaded through the router serves at once, on every engine', async (t) => {
  const { url, sims } = await stage(t);
  const load = { lora_name: 'sql', lora_path: '/adapters/sql' };
  assert.equal((await post(`${url}/v1/load_lora_adapter`, load)).status, 200);
  assert.ok(sims.every(({ models }) => models.adapterNames.includes('sql')));
  const ask = () => post(`${url}/v1/completions`, { model: 'sql', prompt, max_tokens: 1 });
  const start = performance.now();
  while ((await ask()).status !== 200) assert.ok(performance.now() - start < 2000);
});

test('with devRoutes off a development call is refused here, and other calls pass', async (t) => {
  const { url, sims } = await stage(t, { devRoutes: false });
  const refused = await post(`${url}/reset_prefix_cache`, {});
  assert.equal(refused.status, 404);
  assert.match(refused.body.error.message, /devRoutes/);
  assert.ok(sims.every((sim) => sim.blockHashes().size > 0));
  const unload = await post(`${url}/v1/unload_lora_adapter`, { lora_name: 'none' });
  assert.equal(unload.status, 404);
});

test('engines without development mode answer for themselves', async (t) => {
  const { url } = await stage(t, {}, { ...SIM, devRoutes: false });
  const answer = await post(`${url}/sleep`, {});
  assert.equal(answer.status, 404);
  assert.equal(answer.body.success, false);
});
