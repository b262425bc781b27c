// Endpoints join, drain and leave while requests run: real HTTP, real ZMQ.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { request } from 'undici';
import type { WantedEndpoint } from '../../src/endpoint/endpoint.js';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import { get, post } from '../support/openai-client.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

/** Four full blocks, and the token that is always computed. */
const PROMPT = Array.from({ length: 65 }, (_, i) => 100 + i);

function wantedOf(
  sim: SimEngine,
  name: string,
  identity: string,
  draining = false,
): WantedEndpoint {
  const { url, kvEvents, kvReplay } = sim;
  return { name, url, kvEvents, kvReplay, dataParallelRank: null, identity, draining };
}

function stream(url: string) {
  return request(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: TEST_MODEL, prompt: PROMPT, max_tokens: 60, stream: true }),
  });
}

async function stage(t: TestContext, engines: number, timing = 'canned') {
  const sims = await startSims(t, engines, { model: TEST_MODEL, timing });
  const router = await startRouter(t, [{ url: 'http://127.0.0.1:9' }], {}, QUICK_TOKENIZER);
  const { fleet, index } = router.assembly;
  const set = (...wanted: WantedEndpoint[]) => fleet.setEndpoints(TEST_MODEL, wanted);
  const ask = (prompt: number[]) =>
    post(`${router.url}/v1/completions`, { model: TEST_MODEL, prompt, max_tokens: 4 });
  const [a, b] = sims;
  assert.ok(a !== undefined && b !== undefined);
  return { ...{ a, b, router, fleet, index, set, ask } };
}

test('a stream on an endpoint that leaves ends whole, and what follows goes elsewhere', async (t) => {
  const { a, b, router, set, ask } = await stage(t, 2, 'qwen2.5-7b-h100');
  set(wantedOf(a, 'a', '1'));
  const { body, headers } = await stream(router.url);
  assert.equal(headers['x-warmpath-endpoint'], 'a');
  set(wantedOf(b, 'b', '2'));
  assert.equal((await ask(PROMPT)).headers['x-warmpath-endpoint'], 'b');
  const text = await body.text();
  assert.match(text, /"finish_reason":"length"/);
  assert.ok(text.endsWith('data: [DONE]\n\n'));
});

test('a draining endpoint gets nothing new, keeps its blocks, and its prefix is found when it is back', async (t) => {
  const { a, b, fleet, index, set, ask } = await stage(t, 2);
  set(wantedOf(a, 'a', '1'));
  await ask(PROMPT);
  const slot = fleet.all[0]?.endpoint.slot ?? -1;
  await waitFor('blocks of a', () => index.blocksOf(slot, 0) >= 4);
  set(wantedOf(a, 'a', '1', true), wantedOf(b, 'b', '2'));
  for (let i = 0; i < 10; i += 1) {
    assert.equal((await ask(PROMPT)).headers['x-warmpath-endpoint'], 'b');
  }
  assert.ok(index.blocksOf(slot, 0) >= 4);
  set(wantedOf(a, 'a', '1'));
  const answer = await ask(PROMPT);
  assert.equal(answer.headers['x-warmpath-endpoint'], 'a');
  assert.equal(answer.headers['x-warmpath-matched-tokens'], '64');
});

test('a pod that takes over an address is credited with nothing of the one before', async (t) => {
  const { a, fleet, index, set, ask } = await stage(t, 2);
  set(wantedOf(a, 'a', '1'));
  await ask(PROMPT);
  const slot = fleet.all[0]?.endpoint.slot ?? -1;
  await waitFor('blocks of a', () => index.blocksOf(slot, 0) >= 4);
  const { added, removed } = set(wantedOf(a, 'a', 'another pod'));
  assert.deepEqual([added, removed], [['a'], ['a']]);
  // Asked at once, before any event of the new tenant: what was known is gone.
  const answer = await ask(PROMPT);
  assert.equal(answer.headers['x-warmpath-matched-tokens'], '0');
  await waitFor('an empty old slot', () => index.blocksOf(slot, 0) === 0);
});

test('an engine that joins gets requests when its first poll has answered, or nobody else is there', async (t) => {
  const { a, set, ask, fleet } = await stage(t, 2);
  set(wantedOf(a, 'a', '1'));
  await waitFor('a poll', () => fleet.all.every(({ joining }) => !joining));
  const unreachable = { ...wantedOf(a, 'c', '3'), url: 'http://127.0.0.1:9' };
  set(wantedOf(a, 'a', '1'), unreachable);
  for (let i = 0; i < 10; i += 1) {
    const { status, headers } = await ask([1, 2, 3, i]);
    assert.deepEqual([status, headers['x-warmpath-endpoint']], [200, 'a']);
  }
});

test('the metrics of endpoints that left leave with them, even when a request ended later', async (t) => {
  const { a, b, set, ask, router } = await stage(t, 2, 'qwen2.5-7b-h100');
  const page = async () => (await get(`${router.adminUrl}/metrics`)).text;
  set(wantedOf(a, 'gone-1', '1'));
  const { body } = await stream(router.url);
  set(wantedOf(b, 'b', '2'));
  await ask(PROMPT);
  await body.text();
  assert.doesNotMatch(await page(), /gone-1/);
});
