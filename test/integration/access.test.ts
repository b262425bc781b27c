// Who may use a router: keys of clients, their limits, the key of the admin port, keys of engines.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { request } from 'undici';
import { get, post } from '../support/openai-client.js';
import { type RecordingEngine, recordingEngine } from '../support/recording-engine.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { type ProcessOptions, serveProcess } from '../support/router-process.js';
import { startSim } from '../support/sim-engine.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { waitFor } from '../support/wait-for.js';

const CHAT = '/v1/chat/completions';
const BODY = {
  ...{ model: TEST_MODEL, max_tokens: 3, ignore_eos: true },
  messages: [{ role: 'user', content: 'a b c' }],
};
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');

function written(name: string, text: string): string {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, text);
  return file;
}

const engineOf = (context: TestContext): Promise<RecordingEngine> =>
  recordingEngine(context, () => ({ body: '{}' }));

test('without a key only probes are answered, in OpenAI’s form', async (context) => {
  const engine = await engineOf(context);
  const keysFile = written('keys', `team:${sha256('sk-team')}\nsk-plain\n`);
  const extra = { access: { keysFile }, devRoutes: true };
  const { url } = await startRouter(context, [engine], extra, QUICK_TOKENIZER);
  for (const path of ['/health', '/ping', '/version']) {
    assert.equal((await get(`${url}${path}`)).status, 200, path);
  }
  const closed = [
    '/v1/models',
    '/metrics',
    '/tokenize',
    '/docs',
    '/is_sleeping',
    '/health/',
    '//health',
  ];
  for (const path of closed) assert.equal((await get(`${url}${path}`)).status, 401, path);
  const wrong = [{}, bearer('sk-tea'), bearer(''), { authorization: 'Basic c2stdGVhbQ==' }];
  for (const headers of [
    ...wrong,
    bearer(`team:${sha256('sk-team')}`),
    bearer(sha256('sk-team')),
  ]) {
    const { status, body, headers: answered } = await post(`${url}${CHAT}`, BODY, headers);
    assert.equal(status, 401);
    assert.equal(body.error.type, 'UnauthorizedError');
    assert.equal(body.error.code, 401);
    assert.equal(body.error.param, null);
    assert.equal(answered['x-warmpath-reason'], 'unauthorized');
    assert.equal(answered['www-authenticate'], 'Bearer');
  }
  const reset = await request(`${url}/reset_prefix_cache`, { method: 'OPTIONS' });
  assert.equal(reset.statusCode, 401, 'a preflight may not reach a control call');
  await reset.body.dump();
  assert.equal(engine.requests.length, 0);
  for (const headers of [bearer('sk-team'), bearer('sk-plain'), { 'x-api-key': 'sk-team' }]) {
    assert.equal((await post(`${url}${CHAT}`, BODY, headers)).status, 200);
  }
  const preflight = await request(`${url}${CHAT}`, {
    method: 'OPTIONS',
    headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
  });
  assert.equal(preflight.statusCode, 200);
  await preflight.body.dump();
});

test('a key that used its requests or tokens gets 429, a reason and when to come again', async (context) => {
  const sim = await startSim(context, { model: TEST_MODEL });
  const keysFile = written('keys', 'sk-free\n');
  const perKey = [{ name: 'team', tokensPerMinute: 20 }];
  const options = { access: { keysFile, requestsPerMinute: 2, perKey } };
  writeFileSync(keysFile, `sk-free\nteam:${sha256('sk-team')}\n`);
  const { url } = await startRouter(context, [sim], options, QUICK_TOKENIZER);
  const ask = (key: string) => post(`${url}${CHAT}`, BODY, bearer(key));
  for (const _ of [1, 2]) assert.equal((await ask('sk-free')).status, 200);
  const third = await ask('sk-free');
  assert.equal(third.status, 429);
  assert.equal(third.body.error.type, 'TooManyRequestsError');
  assert.equal(third.headers['x-warmpath-reason'], 'request_rate');
  assert.ok(Number(third.headers['retry-after']) >= 29);
  const first = await post(`${url}${CHAT}`, { ...BODY, max_tokens: 40 }, bearer('sk-team'));
  assert.equal(first.body.usage.completion_tokens, 40);
  const over = await ask('sk-team');
  assert.equal(over.headers['x-warmpath-reason'], 'token_rate');
  const used = first.body.usage.total_tokens;
  const seconds = Number(over.headers['retry-after']);
  assert.ok(seconds > 3 * (used - 20) - 5 && seconds <= 3 * (used - 20) + 4, `${used} ${seconds}`);
});

test('an engine’s key takes the place of the client’s only where the router has seen a key', async (context) => {
  const engine = await engineOf(context);
  const of = (model: object) => ({ model: { ...QUICK_TOKENIZER.model, ...model } });
  const heard = async (
    extra: Record<string, unknown>,
    model: object,
    headers: Record<string, string>,
  ) => {
    const { url } = await startRouter(context, [engine], extra, of(model));
    assert.equal((await post(`${url}${CHAT}`, BODY, headers)).status, 200);
    return engine.requests.at(-1)?.headers.authorization;
  };
  const access = { keysFile: written('keys', 'sk-client') };
  const apiKeyFile = written('engine', 'sk-engine\n');
  const client = bearer('sk-client');
  assert.equal(await heard({}, { apiKey: 'sk-engine' }, client), 'Bearer sk-client');
  assert.equal(await heard({}, { apiKey: 'sk-engine' }, {}), undefined);
  assert.equal(await heard({ access }, {}, client), 'Bearer sk-client');
  assert.equal(await heard({ access }, { apiKeyFile }, client), 'Bearer sk-engine');
  const always = { apiKeyFile, replaceAuthorization: true };
  assert.equal(await heard({}, always, {}), 'Bearer sk-engine');
  const never = { apiKeyFile, replaceAuthorization: false };
  assert.equal(await heard({ access }, never, client), 'Bearer sk-client');
});

test('with a key the admin port answers probes and those who have it', async (context) => {
  const engine = await engineOf(context);
  const access = { adminKeyFile: written('admin', 'sk-admin\n') };
  const { adminUrl } = await startRouter(context, [engine], { access }, QUICK_TOKENIZER);
  for (const path of ['/livez', '/readyz']) {
    assert.equal((await get(`${adminUrl}${path}`)).status, 200, path);
  }
  for (const path of ['/', '/metrics', '/decisions', '/endpoints', '/live', '/nothing']) {
    const refused = await get(`${adminUrl}${path}`);
    assert.equal(refused.status, 401, path);
    assert.match(String(refused.headers['www-authenticate']), /^Basic /);
  }
  assert.equal((await post(`${adminUrl}/explain`, BODY)).status, 401);
  const basic = (pair: string) => ({
    authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
  });
  for (const headers of [bearer('sk-admin'), basic('anybody:sk-admin')]) {
    assert.equal((await get(`${adminUrl}/endpoints`, headers)).status, 200);
  }
  for (const headers of [bearer('sk-admi'), basic('sk-admin:'), { authorization: 'sk-admin' }]) {
    assert.equal((await get(`${adminUrl}/endpoints`, headers)).status, 401);
  }
});

async function served(context: TestContext, url: string, extra: object, options: ProcessOptions) {
  const model = { name: TEST_MODEL, ...QUICK_TOKENIZER.model, endpoints: { static: [{ url }] } };
  const config = {
    listen: { host: '127.0.0.1', port: 0, adminPort: 0 },
    models: [model],
    ...extra,
  };
  const router = serveProcess(context, JSON.stringify(config), options);
  return { ...router, url: await router.ready };
}

test('keys come from the environment too; the log names them and never shows them', async (context) => {
  const engine = await engineOf(context);
  const environment = { WARMPATH_API_KEY: `sk-environment,team:${sha256('sk-team')}` };
  const files = { keys: 'sk-of-the-file\n' };
  const extra = { access: { keysFile: 'keys' }, log: { level: 'debug' } };
  const router = await served(context, engine.url, extra, { environment, files });
  for (const key of ['sk-team', 'sk-environment', 'sk-of-the-file']) {
    assert.equal((await post(`${router.url}${CHAT}`, BODY, bearer(key))).status, 200);
  }
  assert.equal((await post(`${router.url}${CHAT}`, BODY, bearer('sk-wrong'))).status, 401);
  const requests = () => router.lines().filter(({ message }) => message === 'request');
  await waitFor('four lines', () => requests().length === 4);
  const [team, environments, files_, wrong] = requests();
  assert.equal(team?.['key'], 'team');
  assert.match(String(environments?.['key']), /^key-[0-9a-f]{8}$/);
  assert.match(String(files_?.['key']), /^key-[0-9a-f]{8}$/);
  assert.deepEqual(
    [wrong?.['key'], wrong?.['code'], wrong?.['reason']],
    [undefined, 401, 'unauthorized'],
  );
  router.child.kill('SIGTERM');
  assert.doesNotMatch((await router.ended).stderr, /sk-/);
});

test('the admin port is closed to other machines unless it is told otherwise', async (context) => {
  const engine = await engineOf(context);
  const admin = async (extra: object, environment: Record<string, string>) => {
    const router = await served(context, engine.url, extra, { environment });
    await waitFor('the address', () =>
      router.lines().some(({ message }) => message === 'listening'),
    );
    const line = router.lines().find(({ message }) => message === 'listening');
    router.child.kill();
    return line?.['adminAddress'];
  };
  assert.equal(await admin({}, {}), '127.0.0.1');
  assert.equal(await admin({}, { WARMPATH_ADMIN_HOST: '0.0.0.0' }), '0.0.0.0');
});
