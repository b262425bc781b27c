// Streams through the router: byte for byte what the engine sends, chunk for chunk, and over on both
// sides when it is over on one.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import { freeTime } from '../support/free-time.js';
import { eventsOf, post } from '../support/openai-client.js';
import { exchangeRaw, type RawResponse, rawClient } from '../support/raw-client.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { startSim } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const CHAT = '/v1/chat/completions';
const chat = (more: object = {}) => ({
  ...{ model: TEST_MODEL, max_tokens: 24, ignore_eos: true, stream: true },
  messages: [{ role: 'user', content: 'a b c' }],
  ...more,
});

async function pair(context: TestContext, choices = {}): Promise<{ sim: SimEngine; url: string }> {
  const sim = await startSim(context, { model: TEST_MODEL, ...choices });
  return { sim, url: (await startRouter(context, [sim], {}, QUICK_TOKENIZER)).url };
}

async function raw(url: string, path: string, body: object): Promise<RawResponse> {
  const client = await rawClient(Number(new URL(url).port));
  const text = JSON.stringify(body);
  const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
  const id = 'x-request-id: same\r\n';
  const response = await exchangeRaw(
    client,
    `${head}${id}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  client.socket.destroy();
  return response;
}

/** The only thing that may differ between two answers is when they were made. */
const timeless = (chunk: string) => chunk.replace(/"created":\d+/g, '"created":0');

test('the bytes and the chunks are those of the engine asked directly', async (context) => {
  const { sim, url } = await pair(context);
  const completion = { model: TEST_MODEL, prompt: 'x y z', max_tokens: 8, stream: true };
  const cases: readonly (readonly [string, object])[] = [
    [CHAT, chat()],
    [CHAT, chat({ stream_options: { include_usage: true } })],
    [CHAT, chat({ stream_options: { include_usage: true, continuous_usage_stats: true } })],
    [CHAT, chat({ n: 3, max_tokens: 5 })],
    [CHAT, chat({ stream: false })],
    ['/v1/completions', completion],
    ['/v1/completions', { ...completion, echo: true, return_token_ids: true }],
    ['/v1/completions', { ...completion, prompt: ['a', 'b'], stream: false }],
  ];
  for (const [path, body] of cases) {
    // The first request of a prompt finds nothing in the cache, and its usage says so.
    await raw(sim.url, path, body);
    const direct = await raw(sim.url, path, body);
    const routed = await raw(url, path, body);
    assert.equal(routed.status, 200);
    assert.deepEqual(routed.chunks.map(timeless), direct.chunks.map(timeless));
    const value = (response: RawResponse, name: string) =>
      response.headers.find(([key]) => key === name)?.[1];
    assert.equal(value(routed, 'content-type'), value(direct, 'content-type'));
  }
});

test('a stream says that it must not be buffered, and nothing is compressed', async (context) => {
  const { url } = await pair(context);
  const { headers } = await post(`${url}${CHAT}`, chat(), { 'accept-encoding': 'gzip, br' });
  assert.equal(headers['x-accel-buffering'], 'no');
  assert.equal(headers['content-encoding'], undefined);
  assert.match(String(headers['content-type']), /^text\/event-stream/);
});

test('usage comes only when it was asked for, after the last choice and without one', async (context) => {
  const { url } = await pair(context);
  const parts = async (body: object) => {
    const events = eventsOf(await post(`${url}${CHAT}`, body));
    assert.equal(events.at(-1), '[DONE]');
    return events.slice(0, -1) as { choices: { finish_reason: string | null }[]; usage?: object }[];
  };
  const plain = await parts(chat());
  assert.ok(plain.every(({ choices, usage }) => choices.length === 1 && usage === undefined));
  assert.deepEqual(
    plain.flatMap(({ choices }) => choices[0]?.finish_reason ?? []),
    ['length'],
  );
  const counted = await parts(chat({ stream_options: { include_usage: true } }));
  assert.equal(counted.length, plain.length + 1);
  assert.deepEqual(counted.at(-1)?.choices, []);
  assert.ok(counted.at(-1)?.usage);
});

test('a client that leaves frees its place in the engine within 50 ms', async (context) => {
  const { sim, url } = await pair(context, { timing: 'llm-d-8b-h100' });
  const times: number[] = [];
  for (let i = 0; i < 10; i++) {
    const leaving = new AbortController();
    const response = await fetch(`${url}${CHAT}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(chat({ max_tokens: 10_000 })),
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    assert.equal(sim.stats.runningRequests, 1);
    const time = freeTime();
    leaving.abort();
    await waitFor('the end of the engine’s request', () => sim.stats.runningRequests === 0);
    times.push(time.stop());
  }
  context.diagnostic(`ms: ${times.map((ms) => ms.toFixed(1)).join(', ')}`);
  assert.ok(Math.max(...times) < 50, `${times}`);
});

test('a client that leaves before the answer began frees its place as well', async (context) => {
  const { sim, url } = await pair(context, { timing: 'llm-d-8b-h100' });
  const leaving = new AbortController();
  const asked = fetch(`${url}${CHAT}`, {
    method: 'POST',
    body: JSON.stringify(chat({ max_tokens: 10_000, stream: false })),
    headers: { 'content-type': 'application/json' },
    signal: leaving.signal,
  });
  await waitFor('the engine’s request', () => sim.stats.runningRequests === 1);
  leaving.abort();
  await assert.rejects(asked, { name: 'AbortError' });
  await waitFor('the end of the engine’s request', () => sim.stats.runningRequests === 0);
});

test('a stream that the engine drops ends with an error event', async (context) => {
  const { sim, url } = await pair(context);
  sim.faults.failAfterTokens = 5;
  sim.faults.failure = 'disconnect';
  const answer = await post(`${url}${CHAT}`, chat());
  assert.equal(answer.status, 200);
  const events = eventsOf(answer) as { error?: { type: string; message: string; code: number } }[];
  // One for the role, five for the tokens.
  assert.equal(events.length, 7);
  const { error } = events.at(-1) ?? {};
  assert.equal(error?.type, 'BadGatewayError');
  assert.equal(error?.code, 502);
  assert.match(error?.message ?? '', /closed the connection/);
});

test('an error event of the engine’s own passes, and nothing is added to it', async (context) => {
  const { sim, url } = await pair(context);
  sim.faults.failAfterTokens = 5;
  sim.faults.failure = 'error';
  const direct = await raw(sim.url, CHAT, chat());
  const routed = await raw(url, CHAT, chat());
  assert.deepEqual(routed.chunks.map(timeless), direct.chunks.map(timeless));
  assert.match(routed.chunks.join(''), /"error":.*\n\ndata: \[DONE\]\n\n$/);
});

test('an answer with a length that the engine drops is cut, not passed off as whole', async (context) => {
  const { sim, url } = await pair(context);
  sim.faults.failAfterTokens = 5;
  // Nothing had been sent of it, so it was tried again, and failed again.
  const answer = await post(`${url}${CHAT}`, chat({ stream: false }));
  assert.equal(answer.status, 502);
  assert.equal(answer.body.error.type, 'BadGatewayError');
});

test('characters that are cut between two chunks arrive whole', async (context) => {
  const { url } = await pair(context);
  const content = 'añ😀é'.repeat(40);
  const body = { model: TEST_MODEL, prompt: content, max_tokens: 4, stream: true, echo: true };
  const events = eventsOf(await post(`${url}/v1/completions`, body));
  const texts = events.flatMap((event) => {
    const { choices = [] } = event as { choices?: { text: string }[] };
    return choices.map(({ text }) => text);
  });
  assert.ok(texts.join('').startsWith(content));
});

test('one connection carries a thousand requests', async (context) => {
  const { url } = await pair(context);
  const client = await rawClient(Number(new URL(url).port));
  const body = JSON.stringify(chat({ max_tokens: 2 }));
  const ask = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  for (let i = 0; i < 1000; i++) {
    const isChat = i % 10 === 0;
    const response = await exchangeRaw(
      client,
      isChat ? ask : 'GET /version HTTP/1.1\r\nhost: x\r\n\r\n',
    );
    assert.equal(response.status, 200, `request ${i}`);
    assert.equal(response.rest, '');
    if (isChat) assert.equal(response.chunks.at(-1), 'data: [DONE]\n\n');
  }
  client.socket.destroy();
});
