// More than the engines can take: who waits, who is refused, and how programs are told.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { type Answer, get, post } from '../support/openai-client.js';
import { quickFleet } from '../support/quick-fleet.js';
import { TEST_MODEL } from '../support/router.js';
import { waitFor } from '../support/wait-for.js';

const CHAT = '/v1/chat/completions';
const chat = (maxTokens: number, content = 'a b') => ({
  ...{ model: TEST_MODEL, max_tokens: maxTokens, ignore_eos: true },
  messages: [{ role: 'user', content }],
});

const fleet = (context: TestContext, count: number, extra: Readonly<Record<string, unknown>>) =>
  quickFleet(context, count, extra, { timing: 'llm-d-8b-h100' });

function assertRefused({ status, headers, body }: Answer, reason: string): void {
  assert.equal(status, 429);
  assert.equal(headers['x-warmpath-reason'], reason);
  assert.match(String(headers['retry-after']), /^\d+$/);
  assert.equal(body.error.type, 'TooManyRequestsError');
  assert.equal(body.error.code, 429);
}

test('requests over the limit wait, those over the queue get 429 and when to come again', async (context) => {
  const { sims, url, adminUrl } = await fleet(context, 1, {
    limits: { inflightRequests: 2, waitingRequests: 3 },
  });
  const running = () => sims[0]?.stats.runningRequests ?? 0;
  const inflight = [1, 2].map(() => post(`${url}${CHAT}`, chat(40)));
  await waitFor('two running requests', () => running() === 2);
  const waiting = [1, 2, 3].map(() => post(`${url}${CHAT}`, chat(1)));
  const gauge = async () => (await get(`${adminUrl}/metrics`)).text;
  const full = `warmpath_waiting_requests{model="${TEST_MODEL}"} 3`;
  while (!(await gauge()).includes(full));
  assertRefused(await post(`${url}${CHAT}`, chat(1)), 'queue_full');
  assert.equal(running(), 2);
  for (const answer of await Promise.all([...inflight, ...waiting])) {
    assert.equal(answer.status, 200, answer.text);
  }
  const metrics = await gauge();
  assert.match(metrics, /warmpath_rejected_total\{reason="queue_full"\} 1/);
  assert.match(metrics, /warmpath_waiting_requests\{model="[^"]+"\} 0/);
});

test('a request that waits too long gets 429, and questions about the fleet never wait', async (context) => {
  const { sims, url } = await fleet(context, 1, {
    ...{ limits: { inflightRequests: 1 }, timeouts: { queueMs: 150 } },
  });
  const leaving = new AbortController();
  const long = fetch(`${url}${CHAT}`, {
    method: 'POST',
    body: JSON.stringify(chat(10_000)),
    headers: { 'content-type': 'application/json' },
    signal: leaving.signal,
  });
  await waitFor('the running request', () => sims[0]?.stats.runningRequests === 1);
  const waiting = post(`${url}${CHAT}`, chat(1));
  assert.equal((await get(`${url}/load`)).status, 200);
  assert.equal((await get(`${url}/v1/models`)).status, 200);
  assertRefused(await waiting, 'queue_timeout');
  leaving.abort();
  await assert.rejects(long);
  assert.equal((await post(`${url}${CHAT}`, chat(1))).status, 200);
});

test('a client that leaves the queue never reaches an engine', async (context) => {
  const { sims, url } = await fleet(context, 1, { limits: { inflightRequests: 1 } });
  const first = post(`${url}${CHAT}`, chat(30));
  await waitFor('the running request', () => sims[0]?.stats.runningRequests === 1);
  await assert.rejects(
    fetch(`${url}${CHAT}`, {
      method: 'POST',
      body: JSON.stringify(chat(1)),
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(50),
    }),
  );
  const third = post(`${url}${CHAT}`, chat(1));
  assert.equal((await first).status, 200);
  assert.equal((await third).status, 200);
  assert.equal(sims[0]?.stats.prefixQueryTokens, 2 * ((await third).body.usage.prompt_tokens ?? 0));
});

test('the queue follows the priority that vLLM would read, of any API', async (context) => {
  const { sims, url, adminUrl } = await fleet(context, 1, { limits: { inflightRequests: 1 } });
  const order: string[] = [];
  const ask = async (name: string, path: string, body: object, headers = {}) => {
    const answer = await post(`${url}${path}`, body, headers);
    assert.equal(answer.status, 200, answer.text);
    order.push(name);
  };
  const first = ask('first', CHAT, chat(40));
  await waitFor('the running request', () => sims[0]?.stats.runningRequests === 1);
  const prompt = { model: TEST_MODEL, prompt: 'a', max_tokens: 1 };
  const all = [
    first,
    ask('usual', CHAT, chat(1)),
    ask('idle', CHAT, { ...chat(1), priority: 5 }),
    ask('urgent', '/v1/completions', { ...prompt, priority: -5 }),
    ask('header', '/v1/completions', { ...prompt, priority: 9 }, { 'x-vllm-priority': '-7' }),
    ask('relayed', '/tokenize', { ...prompt, priority: -3 }),
  ];
  const waiting = `warmpath_waiting_requests{model="${TEST_MODEL}"} 5`;
  while (!(await get(`${adminUrl}/metrics`)).text.includes(waiting));
  await Promise.all(all);
  assert.deepEqual(order, ['first', 'header', 'urgent', 'relayed', 'usual', 'idle']);
});

test('keys take turns: one that asks for much keeps the others waiting for one request only', async (context) => {
  const { sims, url, adminUrl } = await fleet(context, 1, { limits: { inflightRequests: 1 } });
  const order: string[] = [];
  const ask = async (key: string, maxTokens = 1) => {
    const headers = { authorization: `Bearer ${key}` };
    assert.equal((await post(`${url}${CHAT}`, chat(maxTokens), headers)).status, 200);
    order.push(key);
  };
  const waiting = async (count: number) => {
    const line = `warmpath_waiting_requests{model="${TEST_MODEL}"} ${count}\n`;
    while (!(await get(`${adminUrl}/metrics`)).text.includes(line));
  };
  const all = [ask('greedy', 60)];
  await waitFor('the running request', () => sims[0]?.stats.runningRequests === 1);
  all.push(...[1, 2, 3, 4].map(() => ask('greedy')));
  await waiting(4);
  all.push(ask('modest'));
  await waiting(5);
  await Promise.all(all);
  assert.deepEqual(order, ['greedy', 'greedy', 'modest', 'greedy', 'greedy', 'greedy']);
});

test('more prompts than the tokenizer can hold are refused with a reason, the others answered', async (context) => {
  const { url } = await fleet(context, 1, { limits: { queuedRequests: 0 } });
  const text = (i: number) => `${i} ${'a b '.repeat(20_000)}`;
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, i) => post(`${url}${CHAT}`, chat(1, text(i)))),
  );
  const refused = answers.filter(({ status }) => status === 429);
  for (const answer of refused) assertRefused(answer, 'queue_full');
  assert.ok(refused.length > 0 && refused.length < answers.length, `${refused.length}`);
});

test('an engine that has too much to do is passed over, and rests', async (context) => {
  const { sims, url } = await fleet(context, 2, {});
  const [busy] = sims;
  assert.ok(busy !== undefined);
  busy.faults.status = 503;
  for (let i = 0; i < 8; i++) {
    const answer = await post(`${url}${CHAT}`, chat(1));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['x-warmpath-endpoint'], 'b');
  }
  assert.equal((await get(`${url}/health`)).status, 200);
});

test('when all engines have too much to do the client gets the engine’s own words', async (context) => {
  const { sims, url } = await fleet(context, 2, {});
  for (const sim of sims) sim.faults.status = 429;
  const answer = await post(`${url}${CHAT}`, chat(1));
  assert.equal(answer.status, 429);
  assert.equal(answer.headers['retry-after'], '1');
  assert.match(answer.body.error.message, /a fault was asked for/);
});

test('a request over the router’s own limits is told which', async (context) => {
  const { url } = await fleet(context, 1, { limits: { messages: 3, promptTokens: 16 } });
  const messages = Array.from({ length: 4 }, () => ({ role: 'user', content: 'a' }));
  const many = await post(`${url}${CHAT}`, { model: TEST_MODEL, messages });
  assert.equal(many.status, 400);
  assert.equal(many.body.error.param, 'messages');
  const long = await post(`${url}${CHAT}`, chat(1, 'a '.repeat(20)));
  assert.equal(long.status, 400);
  assert.match(long.body.error.message, /the router takes at most 16/);
  assert.equal(long.headers['x-warmpath-reason'], 'prompt_too_long');
});
