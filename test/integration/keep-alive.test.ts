// Comments to clients whose stream has not begun: when they come, and what they change.
import assert from 'node:assert/strict';
import test from 'node:test';
import OpenAI from 'openai';
import { get, post } from '../support/openai-client.js';
import { quickFleet } from '../support/quick-fleet.js';
import { exchangeRaw, parseResponse, type RawResponse, rawClient } from '../support/raw-client.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { framed, scriptedEngine, wholeResponse } from '../support/scripted-engine.js';
import { startSims } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const CHAT = '/v1/chat/completions';
const COMMENT = ': keep-alive\n\n';
const OFTEN = { timeouts: { keepAliveMs: 40 } };
const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const chat = (more: object = {}) => ({
  ...{ model: TEST_MODEL, max_tokens: 8, ignore_eos: true, stream: true },
  messages: [{ role: 'user', content: 'a b c' }],
  ...more,
});

async function ask(url: string, body: object, path = CHAT): Promise<RawResponse> {
  const client = await rawClient(Number(new URL(url).port));
  const text = JSON.stringify(body);
  const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
  const length = `x-request-id: same\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n`;
  const response = await exchangeRaw(client, head + length + text);
  client.socket.destroy();
  return response;
}

const isComment = (chunk: string) => chunk === COMMENT;
const header = ({ headers }: RawResponse, name: string) =>
  headers.find(([key]) => key === name)?.[1];

/** Answers its polls; `answer` gets the sockets of all other requests. */
function engineOf(answer: (socket: import('node:net').Socket) => void) {
  return scriptedEngine(({ head, socket }) => {
    if (head.startsWith('GET ')) socket.write(wholeResponse('{"data":[]}'));
    else answer(socket);
  });
}

test('comments come before the stream, and its bytes are the engine’s own', async (context) => {
  const events = ['data: {"n":1}\n\n', 'data: {"n":2}\n\n', 'data: [DONE]\n\n'];
  using engine = await engineOf((socket) => {
    setTimeout(() => socket.write(STREAM_HEAD), 150);
    setTimeout(() => socket.write(`${events.map(framed).join('')}0\r\n\r\n`), 300);
  });
  const { url } = await startRouter(context, [engine], OFTEN, QUICK_TOKENIZER);
  const response = await ask(url, chat());
  assert.equal(response.status, 200);
  assert.match(header(response, 'content-type') ?? '', /^text\/event-stream/);
  assert.equal(header(response, 'x-accel-buffering'), 'no');
  assert.equal(header(response, 'x-request-id'), 'same');
  const first = response.chunks.findIndex((chunk) => !isComment(chunk));
  assert.ok(first >= 3, `${first} comments in 300 ms`);
  assert.deepEqual(response.chunks.slice(first), events);
});

test('the engine’s own head is sent where it comes before the first comment', async (context) => {
  using engine = await engineOf((socket) => {
    socket.write(STREAM_HEAD.replace('\r\n\r\n', '\r\nx-own: yes\r\n\r\n'));
    setTimeout(() => socket.write(`${framed('data: [DONE]\n\n')}0\r\n\r\n`), 200);
  });
  const { url } = await startRouter(context, [engine], OFTEN, QUICK_TOKENIZER);
  const response = await ask(url, chat());
  assert.equal(header(response, 'x-own'), 'yes');
  assert.equal(header(response, 'x-warmpath-endpoint'), 'a');
  assert.ok(response.chunks.filter(isComment).length >= 2);
  assert.equal(response.chunks.at(-1), 'data: [DONE]\n\n');
});

test('nothing is added unless asked for, nor to an answer that comes whole', async (context) => {
  const slow = await quickFleet(context, 1, {});
  for (const { faults } of slow.sims) faults.delayMs = 200;
  const { text } = await post(`${slow.url}${CHAT}`, chat());
  assert.ok(text.startsWith('data: '), text.slice(0, 80));
  const kept = await quickFleet(context, 1, OFTEN);
  for (const { faults } of kept.sims) faults.delayMs = 200;
  const whole = await ask(kept.url, chat({ stream: false }));
  assert.equal(JSON.parse(whole.chunks.join('')).object, 'chat.completion');
});

test('a refusal that comes late is an error event, one that comes at once is a status', async (context) => {
  const { sims, url } = await quickFleet(context, 1, OFTEN);
  const [sim] = sims;
  assert.ok(sim !== undefined);
  sim.faults.status = 503;
  const early = await ask(url, chat());
  assert.equal(early.status, 503);
  sim.faults.delayMs = 200;
  const late = await ask(url, chat());
  assert.equal(late.status, 200);
  assert.equal(late.chunks.at(-1), `data: ${early.chunks.join('')}\n\n`);
  assert.ok(late.chunks.slice(0, -1).every(isComment));
});

test('a refusal that is no JSON is told in words, and as Anthropic’s clients read it', async (context) => {
  using engine = await engineOf((socket) => {
    setTimeout(() => socket.write(wholeResponse('oh\nno', '500 Oh')), 150);
  });
  const { url } = await startRouter(context, [engine], OFTEN, QUICK_TOKENIZER);
  const last = (await ask(url, chat())).chunks.at(-1) ?? '';
  const { error } = JSON.parse(last.slice('data: '.length));
  assert.deepEqual([error.message, error.code], ['the engine answered 500: oh\nno', 500]);
  const messages = await ask(url, chat(), '/v1/messages');
  assert.match(messages.chunks.at(-1) ?? '', /^event: error\ndata: \{/);
});

test('after comments the request may still go to another endpoint', async (context) => {
  using dying = await engineOf((socket) => setTimeout(() => socket.destroy(), 150));
  const sims = await startSims(context, 1, { model: TEST_MODEL });
  const { url } = await startRouter(context, [dying, ...sims], OFTEN, QUICK_TOKENIZER);
  let moved: RawResponse | null = null;
  for (let i = 0; i < 50 && moved === null; i++) {
    const response = await ask(url, chat({ messages: [{ role: 'user', content: `a ${i}` }] }));
    assert.equal(response.chunks.at(-1), 'data: [DONE]\n\n');
    if (response.chunks.some(isComment)) moved = response;
  }
  assert.ok(moved !== null, 'the dying engine was asked');
  assert.equal(moved.chunks.filter((chunk) => chunk.includes('"error"')).length, 0);
});

test('when no endpoint is left the router’s own error ends the stream', async (context) => {
  using dying = await engineOf((socket) => setTimeout(() => socket.destroy(), 150));
  const { url, adminUrl } = await startRouter(context, [dying], OFTEN, QUICK_TOKENIZER);
  const response = await ask(url, chat());
  assert.equal(response.status, 200);
  const last = response.chunks.at(-1) ?? '';
  const { error } = JSON.parse(last.slice('data: '.length));
  assert.match(error.message, /closed the connection/);
  const { text } = await get(`${adminUrl}/metrics`);
  assert.match(text, /warmpath_rejected_total\{reason="engine_closed"\} 1/);
});

test('a client that leaves between comments frees the engine', async (context) => {
  using engine = await engineOf(() => {});
  const { url } = await startRouter(context, [engine], OFTEN, QUICK_TOKENIZER);
  const client = await rawClient(Number(new URL(url).port));
  const body = JSON.stringify(chat());
  client.send(`POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  await client.until((text) => text.split(COMMENT).length > 2);
  assert.equal(parseResponse(client.received()), null);
  const asked = engine.requests.find(({ head }) => head.startsWith('POST '));
  client.socket.destroy();
  await waitFor('the end of the engine’s request', () => asked?.socket.destroyed === true);
});

test('an SDK does not notice', async (context) => {
  const { sims, url } = await quickFleet(context, 1, OFTEN);
  for (const { faults } of sims) faults.delayMs = 200;
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
  const body = { model: TEST_MODEL, max_tokens: 8, stream: true } as const;
  const messages = [{ role: 'user' as const, content: 'a b c' }];
  let text = '';
  for await (const { choices } of await client.chat.completions.create({ ...body, messages })) {
    text += choices[0]?.delta.content ?? '';
  }
  const direct = await post(`${sims[0]?.url}${CHAT}`, { ...body, messages, stream: false });
  assert.equal(text, direct.body.choices[0].message.content);
});
