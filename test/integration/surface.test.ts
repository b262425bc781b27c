// The routes of vLLM's server through the router: what is scheduled, forwarded, answered or refused.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import { loadPromptEncoder, shippedTokenizer } from '../../src/sim/model-encoder.js';
import { type Answer, get, post } from '../support/openai-client.js';
import { parsed } from '../support/parsed-requests.js';
import { exchangeRaw, type RawResponse, rawClient } from '../support/raw-client.js';
import {
  type ReceivedRequest,
  type RecordedAnswer,
  type RecordingEngine,
  recordingEngine,
} from '../support/recording-engine.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL, type TestRouter } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';

const OK: RecordedAnswer = { body: '{"ok":true}' };

async function fleet(
  context: TestContext,
  count: number,
  answer: (received: ReceivedRequest, engine: RecordingEngine) => RecordedAnswer = () => OK,
  extra: Readonly<Record<string, unknown>> = {},
): Promise<{ engines: RecordingEngine[]; router: TestRouter }> {
  const engines = await Promise.all(
    Array.from({ length: count }, () => recordingEngine(context, answer)),
  );
  return { engines, router: await startRouter(context, engines, extra, QUICK_TOKENIZER) };
}

async function raw({ url }: TestRouter, request: string): Promise<RawResponse> {
  const client = await rawClient(Number(new URL(url).port));
  const response = await exchangeRaw(client, request);
  client.socket.destroy();
  return response;
}

const LONG = 'The ledger of the harbour lists every ship, its cargo and its master. '.repeat(20);

test('the same prompt goes where it is cached, whatever API it comes through', async (context) => {
  const encoder = await loadPromptEncoder(shippedTokenizer());
  const sims = await startSims(context, 3, { encoder, model: TEST_MODEL });
  const { url } = await startRouter(context, sims);
  const messages = [
    { role: 'system', content: LONG },
    { role: 'user', content: 'Which ship came first?' },
  ];
  const chat = { model: TEST_MODEL, max_tokens: 2, messages };
  const matched = ({ headers }: Answer) => Number(headers['x-warmpath-matched-tokens']);
  const holder = (await post(`${url}/v1/chat/completions`, chat)).headers['x-warmpath-endpoint'];
  let again = await post(`${url}/v1/chat/completions`, chat);
  // Until the events of the first answer have come, and have proven how the engine hashes.
  const isProven = () => matched(again) > 200 && again.headers['x-warmpath-trust'] === 'exact';
  for (let i = 0; i < 200 && !isProven(); i++) {
    again = await post(`${url}/v1/chat/completions`, chat);
  }
  assert.ok(matched(again) > 200);
  const [prompt] = await encoder.encodePrompts(parsed('chat', chat), 131_072);
  const bodies: readonly (readonly [string, unknown])[] = [
    ['/v1/messages', { model: TEST_MODEL, max_tokens: 2, system: LONG, messages: [messages[1]] }],
    ['/v1/responses', { model: TEST_MODEL, instructions: LONG, input: 'Which ship came first?' }],
    ['/cohere/v2/chat', { model: TEST_MODEL, max_tokens: 2, messages }],
    ['/v1/chat/completions/batch', { model: TEST_MODEL, max_tokens: 2, messages: [messages] }],
    ['/inference/v1/generate', { token_ids: [...(prompt ?? [])], sampling_params: {} }],
    ['/invocations', chat],
    ['/generative_scoring', { query: [...(prompt ?? [])], items: [[1]], label_token_ids: [1] }],
  ];
  for (const [path, body] of bodies) {
    const answer = await post(`${url}${path}`, body);
    assert.equal(matched(answer), matched(again), path);
    assert.equal(answer.headers['x-warmpath-endpoint'], holder, path);
    assert.equal(answer.headers['x-warmpath-trust'], 'exact', path);
  }
});

test('bodies and unknown fields reach the engine as they came, query and headers too', async (context) => {
  const { engines, router } = await fleet(context, 1);
  const body = `{ "model":"${TEST_MODEL}","messages":[{"role":"user","content":"h\\u00e9"}],  "x_unknown":{"b":1,"a":1.0}}`;
  await post(`${router.url}/v1/chat/completions?trace=1`, body, {
    authorization: 'Bearer k',
    'x-request-id': 'abc',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  });
  const [received] = engines[0]?.requests ?? [];
  assert.equal(received?.target, '/v1/chat/completions?trace=1');
  assert.equal(received?.body, body);
  assert.equal(received?.headers.authorization, 'Bearer k');
  assert.equal(received?.headers['x-request-id'], 'abc');
  assert.match(String(received?.headers['traceparent']), /^00-0af7/);
});

test('a prompt that only the engine knows goes by load, with trust none', async (context) => {
  const { router } = await fleet(context, 2);
  const answer = await post(`${router.url}/v1/responses`, { input: [{ type: 'computer_call' }] });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['x-warmpath-trust'], 'none');
});

test('every other route is forwarded, and its answer is the engine’s own', async (context) => {
  const { engines, router } = await fleet(context, 1, ({ target }) => ({
    status: target.startsWith('/nowhere') ? 404 : 200,
    headers: { 'x-engine': 'yes' },
    body: `{"detail":${JSON.stringify(target)}}`,
  }));
  const routes = [
    '/v1/embeddings',
    '/score',
    '/v2/rerank',
    '/pooling',
    '/tokenize',
    '/detokenize',
    '/v1/messages/count_tokens',
    '/nowhere?x=%20',
  ];
  for (const target of routes) {
    const answer = await post(`${router.url}${target}`, { model: TEST_MODEL });
    assert.equal(answer.status, target.startsWith('/nowhere') ? 404 : 200, target);
    assert.equal(answer.headers['x-engine'], 'yes');
    assert.deepEqual(answer.body, { detail: target });
  }
  assert.equal((await get(`${router.url}/load`)).status, 200);
  assert.equal(engines[0]?.requests.length, routes.length + 1);
});

test('a request for one of several models goes to its endpoints, also as a form', async (context) => {
  const one = await recordingEngine(context, () => ({ body: '"one"' }));
  const two = await recordingEngine(context, () => ({ body: '"two"' }));
  const model = (name: string, { url }: RecordingEngine) => ({
    name,
    ...QUICK_TOKENIZER.model,
    endpoints: { static: [{ name, url }] },
  });
  const { url } = await startRouter(context, [], {
    models: [model('one', one), model('two', two)],
  });
  for (const name of ['one', 'two', 'two', 'one']) {
    const json = await post(`${url}/v1/embeddings`, { input: 'x', model: name });
    assert.equal(json.body, name);
    const form = new FormData();
    form.append('file', new Blob(['RIFF'.repeat(1000)]), 'a.wav');
    form.append('model', name);
    const upload = await fetch(`${url}/v1/audio/transcriptions`, { method: 'POST', body: form });
    assert.equal(await upload.text(), `"${name}"`);
  }
});

test('models are listed and found with their adapters, and an adapter’s name is one', async (context) => {
  const engine = await recordingEngine(context, () => OK);
  engine.adapters.add('sql-lora');
  const { url } = await startRouter(
    context,
    [engine],
    { monitor: { metricsIntervalMs: 50 } },
    QUICK_TOKENIZER,
  );
  let list = await get(`${url}/v1/models`);
  for (let i = 0; i < 200 && list.body.data.length < 2; i++) list = await get(`${url}/v1/models`);
  assert.deepEqual(
    list.body.data.map(({ id, parent }: { id: string; parent: string | null }) => [id, parent]),
    [
      [TEST_MODEL, null],
      ['sql-lora', TEST_MODEL],
    ],
  );
  const card = await get(`${url}/v1/models/${TEST_MODEL}`);
  assert.deepEqual(card.body, list.body.data[0]);
  assert.deepEqual((await get(`${url}/v1/models/sql-lora`)).body.id, 'sql-lora');
  const unknown = await get(`${url}/v1/models/nothing`);
  assert.equal(unknown.status, 404);
  assert.equal(unknown.body.error.type, 'NotFoundError');
  const chat = { model: 'sql-lora', messages: [{ role: 'user', content: 'x' }] };
  assert.equal((await post(`${url}/v1/chat/completions`, chat)).status, 200);
});

test('an adapter is loaded on every engine and can be used at once', async (context) => {
  const { engines, router } = await fleet(context, 3, ({ target, body }, engine) => {
    if (target !== '/v1/load_lora_adapter') return OK;
    engine.adapters.add(JSON.parse(body).lora_name);
    return { headers: { 'content-type': 'text/plain' }, body: 'Success: adapter added' };
  });
  const load = { lora_name: 'poet', lora_path: '/adapters/poet' };
  const answer = await post(`${router.url}/v1/load_lora_adapter`, load);
  assert.equal(answer.status, 200);
  assert.equal(answer.text, 'Success: adapter added');
  for (const { requests } of engines) assert.deepEqual(JSON.parse(requests[0]?.body ?? ''), load);
  const chat = { model: 'poet', messages: [{ role: 'user', content: 'x' }] };
  assert.equal((await post(`${router.url}/v1/chat/completions`, chat)).status, 200);
});

test('an adapter that some engines do not load is reported with each one’s words', async (context) => {
  const good = await recordingEngine(context, () => ({ body: '"loaded"' }));
  const bad = await recordingEngine(context, () => ({
    status: 400,
    body: '{"error":{"message":"no adapter at that path","type":"InvalidUserInput","code":400}}',
  }));
  const { url } = await startRouter(context, [good, bad], {}, QUICK_TOKENIZER);
  const answer = await post(`${url}/v1/load_lora_adapter`, { lora_name: 'p', lora_path: '/p' });
  assert.equal(answer.status, 502);
  assert.match(answer.body.error.message, /"p": load succeeded on 1 of 2 engines, not on b/);
  assert.deepEqual(answer.body.endpoints, [
    { endpoint: 'a', status: 200, message: 'loaded' },
    { endpoint: 'b', status: 400, message: 'no adapter at that path' },
  ]);
  const { url: both } = await startRouter(context, [bad], {}, QUICK_TOKENIZER);
  const refused = await post(`${both}/v1/load_lora_adapter`, { lora_name: 'p', lora_path: '/p' });
  assert.equal(refused.status, 400);
  assert.equal(refused.body.error.message, 'no adapter at that path');
});

test('a conversation goes on where its response is stored, and so do reading and cancelling', async (context) => {
  let made = 0;
  const { engines, router } = await fleet(context, 3, ({ target, method }) => {
    if (target !== '/v1/responses' || method !== 'POST') return OK;
    made += 1;
    return { body: `{"id":"resp_${made}","object":"response"}` };
  });
  const served = (target: string) =>
    engines.findIndex(({ requests }) => requests.some((one) => one.target === target));
  for (let i = 1; i <= 6; i++) {
    const first = await post(`${router.url}/v1/responses`, { input: `Number ${i}` });
    const { id } = first.body;
    const holder = first.headers['x-warmpath-endpoint'];
    const next = await post(`${router.url}/v1/responses`, {
      input: 'And?',
      previous_response_id: id,
    });
    assert.equal(next.headers['x-warmpath-endpoint'], holder);
    await get(`${router.url}/v1/responses/${id}`);
    assert.equal(`${String.fromCharCode(97 + served(`/v1/responses/${id}`))}`, holder);
    const cancelled = await post(`${router.url}/v1/responses/${id}/cancel`, '');
    assert.equal(cancelled.headers['x-warmpath-endpoint'], holder);
  }
});

test('a router that has just started asks the engines who holds a response', async (context) => {
  const engines = await Promise.all(
    [0, 1, 2].map((number) =>
      recordingEngine(context, ({ target }) =>
        target === '/v1/responses/resp_old' && number === 2
          ? { body: '{"id":"resp_old"}' }
          : { status: 404, body: '{}' },
      ),
    ),
  );
  const { url } = await startRouter(context, engines, {}, QUICK_TOKENIZER);
  const answer = await get(`${url}/v1/responses/resp_old`, { authorization: 'Bearer k' });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['x-warmpath-endpoint'], 'c');
  assert.equal(engines[0]?.requests[0]?.headers.authorization, 'Bearer k');
  assert.equal((await get(`${url}/v1/responses/resp_none`)).status, 404);
});

test('dev routes are closed unless the configuration opens them, however they are spelled', async (context) => {
  const { engines, router } = await fleet(context, 1);
  for (const path of [
    '/reset_prefix_cache',
    '/sleep?level=1',
    '//sleep',
    '/slee%70',
    '/x/sleep/',
  ]) {
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`;
    const { status, chunks } = await raw(router, head);
    assert.equal(status, 404, path);
    assert.match(chunks.join(), /devRoutes/, path);
  }
  for (const path of [
    '/x/./sleep/',
    '/v1/../sleep',
    '/v1/%2e%2e/sleep',
    '/v1/..%2Fsleep',
    '/x%5c..%5csleep',
  ]) {
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`;
    assert.equal((await raw(router, head)).status, 400, path);
  }
  assert.equal(engines[0]?.requests.length, 0);
});

test('open dev routes reach every engine', async (context) => {
  const { engines, router } = await fleet(context, 2, () => ({ body: '{"success":true}' }), {
    devRoutes: true,
  });
  const answer = await post(`${router.url}/reset_prefix_cache?reset_external=true`, '');
  assert.equal(answer.status, 200);
  const done = { status: 200, body: { success: true } };
  assert.deepEqual(answer.body, { success: true, endpoints: { a: done, b: done } });
  for (const { requests } of engines) {
    assert.equal(requests[0]?.target, '/reset_prefix_cache?reset_external=true');
  }
});

test('a WebSocket is refused in words', async (context) => {
  const { router } = await fleet(context, 1);
  const { status, chunks } = await raw(
    router,
    'GET /v1/realtime HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n' +
      'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  assert.equal(status, 501);
  assert.match(chunks.join(), /"message":"\/v1\/realtime: the router does not take WebSocket/);
});

test('a generation route takes POST only; preflights go to the engine', async (context) => {
  const { engines, router } = await fleet(context, 1);
  const answer = await get(`${router.url}/v1/chat/completions`);
  assert.equal(answer.status, 405);
  assert.equal(answer.body.error.type, 'MethodNotAllowedError');
  const preflight = await request(`${router.url}/v1/chat/completions`, { method: 'OPTIONS' });
  assert.equal(preflight.statusCode, 200);
  await preflight.body.dump();
  assert.equal(engines[0]?.requests[0]?.method, 'OPTIONS');
});

test('pages of other origins can read what the router itself says', async (context) => {
  const { router } = await fleet(context, 1);
  for (const path of ['/v1/models', '/v1/models/nope', '/v1/chat/completions']) {
    for (const [headers, allowed] of [
      [{ origin: 'https://a.example' }, '*'],
      [{}, undefined],
    ] as const) {
      const answer = await request(`${router.url}${path}`, { headers });
      assert.equal(answer.headers['access-control-allow-origin'], allowed, path);
      await answer.body.dump();
    }
  }
});

test('a compressed body is refused by its encoding, not as bad JSON', async (context) => {
  const { engines, router } = await fleet(context, 1);
  const answer = await request(`${router.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: gzipSync('{}'),
  });
  assert.equal(answer.statusCode, 400);
  assert.match(await answer.body.text(), /content-encoding .*gzip.* send the body uncompressed/);
  assert.equal(engines[0]?.requests.length, 0);
});

test('clients of Anthropic’s API read errors in its form', async (context) => {
  const { router } = await fleet(context, 1);
  const answer = await post(`${router.url}/v1/messages`, { model: TEST_MODEL, max_tokens: 1 });
  assert.equal(answer.status, 400);
  assert.equal(answer.body.type, 'error');
  assert.match(answer.body.error.message, /messages: is required/);
});
