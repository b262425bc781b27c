// The router compares its tokens with the engine's for a sample of requests, after their answers.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { createForwarder } from '../../src/proxy/forwarder.js';
import { engineTokens } from '../../src/router/engine-tokens.js';
import { loadPromptEncoder, shippedTokenizer } from '../../src/sim/model-encoder.js';
import { get, post } from '../support/openai-client.js';
import { startRouter, TEST_MODEL } from '../support/router.js';
import { scriptedEngine, wholeResponse } from '../support/scripted-engine.js';
import { startSim, startSims } from '../support/sim-engine.js';

const forwarder = createForwarder();
after(() => forwarder.close());
const encoder = await loadPromptEncoder(shippedTokenizer());
const chat = {
  model: TEST_MODEL,
  max_tokens: 2,
  messages: [{ role: 'user', content: 'Which ship came first?' }],
};
const monitor = { tokenParityRate: 1 };

async function countOf(url: string, result: string): Promise<number> {
  const { text } = await get(`${url}/metrics`);
  const line = new RegExp(`^warmpath_token_parity_total\\{result="${result}"\\} (\\d+)$`, 'm');
  return Number(line.exec(text)?.[1] ?? 0);
}

async function counted(url: string, result: string, count: number): Promise<void> {
  const start = performance.now();
  while ((await countOf(url, result)) < count) {
    assert.ok(performance.now() - start < 5000, `no ${count} of ${result}`);
  }
}

test('equal tokens are counted, for chats and for completions', async (t) => {
  const sims = await startSims(t, 1, { encoder, model: TEST_MODEL });
  const { url, adminUrl } = await startRouter(t, sims, { monitor });
  await post(`${url}/v1/chat/completions`, chat);
  await counted(adminUrl, 'equal', 1);
  const prompt = ['One ship.', 'Two ships.'];
  await post(`${url}/v1/completions`, { model: TEST_MODEL, prompt, max_tokens: 2 });
  await counted(adminUrl, 'equal', 2);
  assert.equal(await countOf(adminUrl, 'different'), 0);
});

test('an engine with another tokenizer is found out, and its answers still pass', async (t) => {
  // The simulator's own default: a token is a byte.
  const sims = await startSims(t, 1, { model: TEST_MODEL });
  const { url, adminUrl } = await startRouter(t, sims, { monitor });
  assert.equal((await post(`${url}/v1/chat/completions`, chat)).status, 200);
  await counted(adminUrl, 'different', 1);
});

test('nothing is asked of engines at rate 0', async (t) => {
  const sims = await startSims(t, 1, { encoder, model: TEST_MODEL });
  const { url, adminUrl } = await startRouter(t, sims, { monitor: { tokenParityRate: 0 } });
  for (let i = 0; i < 5; i += 1) await post(`${url}/v1/chat/completions`, chat);
  const results = ['equal', 'different', 'unavailable'].map((one) => countOf(adminUrl, one));
  assert.deepEqual(await Promise.all(results), [0, 0, 0]);
});

const bytes = (body: unknown) => Buffer.from(JSON.stringify(body));

test('the render route is asked first, and /tokenize where there is none', async (t) => {
  const sim = await startSim(t, { model: TEST_MODEL });
  const question = { shape: 'chat', headers: [], timeoutMs: 2000 } as const;
  const rendered = await engineTokens(forwarder, { ...question, url: sim.url, body: bytes(chat) });
  assert.ok('prompts' in rendered);
  using old = await scriptedEngine(({ socket, head }) => {
    socket.write(
      head.includes('/tokenize')
        ? wholeResponse(JSON.stringify({ tokens: [1, 2, 3] }))
        : wholeResponse('{"detail":"Not Found"}', '404 Not Found'),
    );
  });
  const tokenized = await engineTokens(forwarder, { ...question, url: old.url, body: bytes(chat) });
  assert.deepEqual(tokenized, { prompts: [Uint32Array.of(1, 2, 3)] });
  const documents = bytes({ ...chat, documents: [{ text: 'x' }] });
  const refused = await engineTokens(forwarder, { ...question, url: old.url, body: documents });
  assert.ok('unavailable' in refused && /documents/.test(refused.unavailable));
});

test('an engine that does not answer sensibly leaves the tokens unknown', async () => {
  const question = { shape: 'completions', headers: [], timeoutMs: 300 } as const;
  const body = bytes({ model: TEST_MODEL, prompt: 'x' });
  for (const answer of ['{"token_ids": "none"}', 'not json', '[{"token_ids":[1,"2"]}]', null]) {
    using engine = await scriptedEngine(({ socket }) => {
      if (answer !== null) socket.write(wholeResponse(answer));
    });
    const start = performance.now();
    const tokens = await engineTokens(forwarder, { ...question, url: engine.url, body });
    assert.ok('unavailable' in tokens, JSON.stringify(tokens));
    assert.ok(performance.now() - start < 5000);
  }
  const nobody = await engineTokens(forwarder, { ...question, url: 'http://127.0.0.1:1', body });
  assert.ok('unavailable' in nobody);
});
