// The log of a router process: one line a request, which says where it went and nothing of the prompt.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { get, post } from '../support/openai-client.js';
import { recordingEngine } from '../support/recording-engine.js';
import { QUICK_TOKENIZER, TEST_MODEL } from '../support/router.js';
import { type LogLine, type RouterProcess, serveProcess } from '../support/router-process.js';
import { startSim } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const CHAT = '/v1/chat/completions';
const BODY = {
  ...{ model: TEST_MODEL, max_tokens: 3, ignore_eos: true },
  messages: [{ role: 'user', content: 'a b c' }],
};

async function served(
  context: TestContext,
  engineUrl: string,
  extra: object = {},
): Promise<RouterProcess & { url: string }> {
  const router = serveProcess(
    context,
    JSON.stringify({
      listen: { host: '127.0.0.1', port: 0, adminHost: '127.0.0.1', adminPort: 0 },
      models: [
        {
          ...{ name: TEST_MODEL, ...QUICK_TOKENIZER.model },
          endpoints: { static: [{ name: 'a', url: engineUrl }] },
        },
      ],
      ...extra,
    }),
  );
  return { ...router, url: await router.ready };
}

async function requestLines(router: RouterProcess, count: number): Promise<readonly LogLine[]> {
  const found = () => router.lines().filter(({ message }) => message === 'request');
  await waitFor(`${count} lines`, () => found().length >= count);
  return found();
}

test('each request is one line with its id, endpoint, tokens, trust, times and code', async (context) => {
  const sim = await startSim(context, { model: TEST_MODEL });
  const router = await served(context, sim.url);
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const answer = await post(`${router.url}${CHAT}`, BODY, { 'x-request-id': 'ask-7', traceparent });
  assert.equal(answer.headers['x-request-id'], 'ask-7');
  await get(`${router.url}/health`);
  await get(`${router.url}/v1/models`);
  const refused = await post(`${router.url}${CHAT}`, '{');
  const id = refused.headers['x-request-id'];
  const lines = await requestLines(router, 2);
  assert.equal(lines.length, 2, 'what the router answers by itself makes no line');
  const [routed = {}, bad = {}] = lines;
  assert.equal(routed['level'], 'info');
  assert.equal(routed['requestId'], 'ask-7');
  assert.equal(routed['traceId'], traceparent.slice(3, 35));
  assert.equal(routed['path'], CHAT);
  assert.equal(routed['model'], TEST_MODEL);
  assert.equal(routed['endpoint'], 'a');
  assert.equal(routed['code'], 200);
  assert.equal(routed['outcome'], 'completed');
  assert.equal(routed['attempts'], 1);
  assert.equal(routed['matchedTokens'], 0);
  assert.equal(routed['completionTokens'], 3);
  assert.ok(Number(routed['promptTokens']) > 0);
  assert.equal(typeof routed['trust'], 'string');
  const [total, first, decision] = ['totalMs', 'firstByteMs', 'decisionMs'].map((name) =>
    Number(routed[name]),
  );
  assert.ok(Number(decision) > 0 && Number(first) >= Number(decision));
  assert.ok(Number(total) >= Number(first));
  assert.equal(bad['code'], 400);
  assert.equal(bad['reason'], 'invalid_json');
  assert.equal(bad['requestId'], id);
  assert.ok(!JSON.stringify(lines).includes('a b c'), 'no prompt text');
});

test('prompts are in the log when the configuration asks for them, and no line when it says so', async (context) => {
  const sim = await startSim(context, { model: TEST_MODEL });
  const loud = await served(context, sim.url, { log: { prompts: true } });
  await post(`${loud.url}${CHAT}`, BODY);
  const [line] = await requestLines(loud, 1);
  assert.deepEqual(JSON.parse(String(line?.['body'])), BODY);
  const silent = await served(context, sim.url, { log: { requests: false, level: 'debug' } });
  await post(`${silent.url}${CHAT}`, BODY);
  silent.child.kill('SIGTERM');
  const { stderr } = await silent.ended;
  assert.match(stderr, /"message":"stopping"/);
  assert.doesNotMatch(stderr, /"message":"request"/);
});

test('the engine hears the id of the client, or one made for it; the client hears it back', async (context) => {
  const engine = await recordingEngine(context, () => ({ body: '{}' }));
  const router = await served(context, engine.url, { decisionHeaders: false });
  const named = await post(`${router.url}${CHAT}`, BODY, { 'x-request-id': 'client' });
  const nameless = await post(`${router.url}/v1/embeddings`, { model: TEST_MODEL, input: 'a' });
  const heard = engine.requests.map(({ headers }) => headers['x-request-id']);
  assert.deepEqual(heard, ['client', nameless.headers['x-request-id']]);
  assert.equal(named.headers['x-request-id'], 'client');
  assert.match(String(heard[1]), /^[0-9a-f-]{36}$/);
});

test('the log can be lines for people', async (context) => {
  const sim = await startSim(context, { model: TEST_MODEL });
  const router = await served(context, sim.url, { log: { format: 'text' } });
  await post(`${router.url}${CHAT}`, BODY);
  router.child.kill('SIGTERM');
  const { stderr } = await router.ended;
  assert.match(stderr, /^[\d:.]{12} INFO {2}request requestId=\S+ method=POST path=\S+ code=200 /m);
  assert.match(stderr, /^[\d:.]{12} INFO {2}stopping signal=SIGTERM$/m);
});
