// What is wrong with a request is said in the form OpenAI's clients read; what is wrong with the
// configuration is one line that names key and cure.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import test, { type TestContext } from 'node:test';
import { request } from 'undici';
import { type Answer, get, post } from '../support/openai-client.js';
import { recordingEngine } from '../support/recording-engine.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL, type TestRouter } from '../support/router.js';
import { serveProcess } from '../support/router-process.js';

const CHAT = '/v1/chat/completions';
const say = (content: unknown) => ({ model: TEST_MODEL, messages: [{ role: 'user', content }] });

async function router(
  context: TestContext,
  extra: Readonly<Record<string, unknown>> = {},
): Promise<TestRouter> {
  const engine = await recordingEngine(context, () => ({ body: '{"ok":true}' }));
  return startRouter(context, [engine], extra, QUICK_TOKENIZER);
}

function assertRefused(
  { status, headers, body, text }: Answer,
  expected: { status: number; type: string; message: RegExp; param?: string },
): void {
  assert.equal(status, expected.status, text);
  assert.match(String(headers['content-type']), /^application\/json/);
  assert.deepEqual(Object.keys(body), ['error']);
  const { message, type, param, code } = body.error;
  assert.match(message, expected.message);
  assert.equal(type, expected.type);
  assert.equal(param, expected.param ?? null);
  assert.equal(code, expected.status);
}

const BAD = { status: 400, type: 'BadRequestError' } as const;

test('each mistake in a request is named by its place', async (context) => {
  const { url } = await router(context);
  const cases: readonly (readonly [string, unknown, RegExp, string?])[] = [
    [CHAT, '{"model": "x"', /not valid JSON: .* at line 1 column 14/],
    [CHAT, '', /not valid JSON/],
    [CHAT, '[1]', /must be a JSON object, not an array/],
    [CHAT, 'null', /must be a JSON object, not null/],
    [CHAT, { model: TEST_MODEL }, /messages: is required/, 'messages'],
    [CHAT, { model: TEST_MODEL, messages: [] }, /messages: /, 'messages'],
    [CHAT, { model: TEST_MODEL, messages: 'Hi' }, /messages: must be an array/, 'messages'],
    [CHAT, { ...say('x'), model: 7 }, /model: must be a string, not a number/, 'model'],
    [
      CHAT,
      { model: TEST_MODEL, messages: [{ content: 'x' }] },
      /messages\[0\]\.role/,
      'messages[0].role',
    ],
    [CHAT, say(5), /messages\[0\]\.content: must be a string/, 'messages[0].content'],
    [CHAT, { ...say('x'), tools: {} }, /tools: must be an array/, 'tools'],
    ['/v1/completions', { model: TEST_MODEL }, /prompt: is required/, 'prompt'],
    ['/v1/completions', { prompt: ['a', 1] }, /prompt\[1\]/, 'prompt[1]'],
    ['/v1/completions', { prompt: [-1] }, /prompt\[0\]: must be a token id/, 'prompt[0]'],
    [CHAT, `{"messages":[${'['.repeat(300)}${']'.repeat(300)}]}`, /nested deeper than 200 levels/],
  ];
  for (const [path, body, message, param] of cases) {
    const answer = await post(`${url}${path}`, body);
    assertRefused(answer, { ...BAD, message, ...(param === undefined ? {} : { param }) });
  }
});

test('bytes that are no UTF-8 are refused with their place', async (context) => {
  const { url } = await router(context);
  const body = Buffer.concat([Buffer.from('{"model":"'), Buffer.of(0xff), Buffer.from('"}')]);
  const { statusCode, body: answer } = await request(`${url}${CHAT}`, { method: 'POST', body });
  assert.equal(statusCode, 400);
  assert.match(await answer.text(), /not valid UTF-8 at byte 10/);
});

test('an unknown model is a 404 in vLLM’s words', async (context) => {
  const { url } = await router(context);
  const answer = await post(`${url}${CHAT}`, { ...say('x'), model: 'gpt-9' });
  assertRefused(answer, {
    ...{ status: 404, type: 'NotFoundError', param: 'model' },
    message: /^The model `gpt-9` does not exist\.$/,
  });
  assert.equal(answer.headers['x-warmpath-reason'], 'model_not_found');
});

test('a template of a request’s own is refused unless the engines trust it', async (context) => {
  const engine = await recordingEngine(context, () => ({ body: '{"ok":true}' }));
  const start = (model: object) =>
    startRouter(context, [engine], {}, { model: { ...QUICK_TOKENIZER.model, ...model } });
  const template = { chat_template: '{{ messages[0].content }}' };
  const chat = { ...say('x'), ...template };
  const bodies: readonly (readonly [string, object])[] = [
    [CHAT, chat],
    ['/v1/chat/completions/batch', { ...chat, messages: [say('x').messages] }],
    ['/invocations', chat],
  ];
  const untrusted = {
    ...{ ...BAD, param: 'chat_template' },
    message: /--trust-request-chat-template is not set/,
  };
  for (const settings of [{}, { tokenizer: 'engine' }]) {
    const { url } = await start(settings);
    for (const [path, body] of bodies) assertRefused(await post(`${url}${path}`, body), untrusted);
    assertRefused(await post(`${url}${CHAT}`, { ...say('x'), chat_template_kwargs: template }), {
      ...{ ...BAD, param: 'chat_template_kwargs.chat_template' },
      message: /cannot be set/,
    });
  }
  assert.equal(engine.requests.length, 0);
  const { url } = await start({ trustRequestChatTemplate: true });
  for (const [path, body] of bodies) assert.equal((await post(`${url}${path}`, body)).status, 200);
  assert.equal(engine.requests.length, bodies.length);
});

test('a body over the limit is a 413, by its length and by its bytes', async (context) => {
  const { url } = await router(context, { limits: { bodyBytes: 2048 } });
  const expected = {
    ...{ status: 413, type: 'RequestEntityTooLargeError' },
    message: /request body has \d+ bytes or more, the limit is 2048/,
  };
  assertRefused(await post(`${url}${CHAT}`, say('x'.repeat(3000))), expected);
  const chunked = await request(`${url}${CHAT}`, {
    method: 'POST',
    body: Readable.from([1, 2, 3].map(() => Buffer.alloc(1024, 'x'))),
  });
  assert.equal(chunked.statusCode, 413);
  await chunked.body.dump();
  assert.equal((await post(`${url}${CHAT}`, say('a'))).status, 200);
});

test('a prompt over the model’s length is refused before an engine sees it', async (context) => {
  const engine = await recordingEngine(context, () => ({ body: '{}' }));
  const { url } = await startRouter(
    context,
    [engine],
    {},
    {
      model: { ...QUICK_TOKENIZER.model, maxModelLen: 20 },
    },
  );
  const answer = await post(`${url}${CHAT}`, { ...say('a '.repeat(30)), max_tokens: 4 });
  assertRefused(answer, {
    ...{ ...BAD, param: 'input_tokens' },
    message: /You passed 3\d input tokens and requested 4 output tokens/,
  });
  assert.equal(engine.requests.length, 0);
});

test('without an endpoint alive the answer is a 503 that says when to try again', async (context) => {
  const gone = createServer();
  const port = await new Promise<number>((resolve) => {
    gone.listen(0, '127.0.0.1', () => {
      const address = gone.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  await new Promise((resolve) => gone.close(resolve));
  const engine = { url: `http://127.0.0.1:${port}` };
  const { url, adminUrl } = await startRouter(context, [engine], {}, QUICK_TOKENIZER);
  const answer = await post(`${url}${CHAT}`, say('a'));
  assertRefused(answer, {
    ...{ status: 503, type: 'ServiceUnavailableError' },
    message: /no healthy endpoint for model "Qwen\/Qwen3-0.6B"/,
  });
  assert.equal(answer.headers['retry-after'], '1');
  assert.equal(answer.headers['x-warmpath-reason'], 'no_endpoint');
  const health = await get(`${url}/health`);
  assert.equal(health.status, 503);
  assert.equal(health.headers['retry-after'], '1');
  assert.equal(health.headers['x-warmpath-reason'], 'no_endpoint');
  assert.equal((await get(`${adminUrl}/readyz`)).status, 503);
  const models = await get(`${url}/v1/models`);
  assert.equal(models.status, 200);
  assert.equal(models.body.data[0].id, TEST_MODEL);
});

test('a mistake in the configuration ends serve with exit code 2 and one line with the cure', async (context) => {
  const taken = createServer();
  context.after(() => taken.close());
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, '127.0.0.1', () => {
      const address = taken.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  const config = (changes: Record<string, unknown>) =>
    JSON.stringify({
      listen: { host: '127.0.0.1', port: 0, adminHost: '127.0.0.1', adminPort: 0 },
      models: [
        {
          name: 'm',
          ...QUICK_TOKENIZER.model,
          endpoints: { static: [{ url: 'http://127.0.0.1:9' }] },
        },
      ],
      ...changes,
    });
  const model = { name: 'm', ...QUICK_TOKENIZER.model };
  const cases: readonly (readonly [string, RegExp])[] = [
    [config({ limts: {} }), /limts.*limits/],
    [config({ limits: { bodyBytes: 'many' } }), /limits\.bodyBytes/],
    [
      config({ models: [{ ...model, endpoints: { static: [] } }] }),
      /models\[0\]\.endpoints.*static/,
    ],
    [
      config({
        models: [
          {
            ...model,
            tokenizer: '/nowhere',
            endpoints: { static: [{ url: 'http://127.0.0.1:9' }] },
          },
        ],
      }),
      /there is no folder \/nowhere/,
    ],
    [
      config({ listen: { host: '127.0.0.1', port, adminHost: '127.0.0.1', adminPort: 0 } }),
      new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: the port is in use; .*another port`),
    ],
    ['models: [', /warmpath\.yaml/],
  ];
  await Promise.all(
    cases.map(async ([text, message]) => {
      const { code, stdout, stderr } = await serveProcess(context, text).ended;
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      const lines = stderr.split('\n').filter((line) => line.startsWith('warmpath: '));
      assert.equal(lines.length, 1, stderr);
      assert.match(lines[0] ?? '', message);
      assert.doesNotMatch(stderr, /^ +at /m);
    }),
  );
});
