// A running router takes another configuration over: what clients see of it, over real sockets.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { request } from 'undici';
import { parseConfig } from '../../src/config/config.js';
import { get, post } from '../support/openai-client.js';
import { recordingEngine } from '../support/recording-engine.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { serveProcess } from '../support/router-process.js';
import { startSims } from '../support/sim-engine.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';
import { waitFor } from '../support/wait-for.js';

/** About a second of stream. */
const LONG = 100;
const TIMING = 'qwen2.5-7b-h100';
const bodyOf = (keys: object) => ({ model: TEST_MODEL, prompt: [1, 2, 3], ...keys });

function stream(url: string) {
  return request(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(bodyOf({ max_tokens: LONG, stream: true, ignore_eos: true })),
  });
}

interface Wanted {
  readonly models: readonly object[];
  readonly top?: object;
}

const modelOf = (urls: readonly string[], keys: object = {}) => ({
  name: TEST_MODEL,
  ...QUICK_TOKENIZER.model,
  endpoints: { static: urls.map((url) => ({ name: url.slice(-5), url })) },
  ...keys,
});

const textOf = ({ models, top = {} }: Wanted) =>
  JSON.stringify({
    listen: { host: '127.0.0.1', port: 0, adminHost: '127.0.0.1', adminPort: 0 },
    models,
    tokenizer: { threads: 1 },
    log: { level: 'error' },
    ...top,
  });

async function stage(context: TestContext) {
  const sims = await startSims(context, 2, { model: TEST_MODEL, timing: TIMING });
  const [a, b] = sims;
  assert.ok(a !== undefined && b !== undefined);
  const router = await startRouter(context, [a], {}, QUICK_TOKENIZER);
  const change = (wanted: Wanted) =>
    router.assembly.change(parseConfig(textOf(wanted), 'test.yaml').config);
  return { a, b, router, change };
}

test('streams go on whole while endpoints, weights, limits and times change under them', async (context) => {
  const { b, router, change } = await stage(context);
  const streams = await Promise.all([1, 2, 3, 4].map(() => stream(router.url)));
  for (const { headers } of streams) assert.equal(headers['x-warmpath-endpoint'], 'a');
  const { changed, waiting } = await change({
    models: [modelOf([b.url])],
    top: {
      ...{ decisionHeaders: true, limits: { promptTokens: 2 }, timeouts: { firstByteMs: 9000 } },
      scheduling: {
        plugins: [{ type: 'queue-scorer' }, { type: 'max-score-picker' }],
        schedulingProfiles: [
          {
            name: 'default',
            plugins: [{ pluginRef: 'queue-scorer', weight: 1 }, { pluginRef: 'max-score-picker' }],
          },
        ],
      },
    },
  });
  assert.deepEqual(waiting, []);
  for (const key of ['models', 'limits.promptTokens', 'timeouts.firstByteMs']) {
    assert.ok(changed.includes(key), `${key} in ${changed}`);
  }
  const refused = await post(`${router.url}/v1/completions`, bodyOf({ max_tokens: 1 }));
  assert.match(refused.body.error.message, /the prompt has 3 tokens, the router takes at most 2/);
  const next = await post(`${router.url}/v1/completions`, bodyOf({ prompt: [1], max_tokens: 1 }));
  assert.equal(next.headers['x-warmpath-endpoint'], b.url.slice(-5));
  const { body: live } = await get(`${router.adminUrl}/decisions?n=1`);
  assert.match(live[0].plan ?? JSON.stringify(live[0]), /queue-scorer/);
  for (const { body } of streams) {
    const text = await body.text();
    assert.match(text, /"finish_reason":"length"/);
    assert.ok(text.endsWith('data: [DONE]\n\n'));
    assert.equal(text.split('"text":').length - 1, LONG);
  }
});

test('a model and its tokenizer join and leave while the router runs', async (context) => {
  const { a, b, router, change } = await stage(context);
  const other = modelOf([b.url], {
    name: 'other',
    tokenizer: tinyTokenizerFolder({ config: { chat_template: 'x' } }),
  });
  const ask = () =>
    post(`${router.url}/v1/completions`, { model: 'other', prompt: 'a b', max_tokens: 1 });
  assert.equal((await ask()).status, 404);
  await assert.rejects(
    change({ models: [modelOf([a.url]), { ...other, tokenizer: '/no/such/folder' }] }),
    /\/no\/such\/folder/,
  );
  await assert.rejects(
    change({ models: [modelOf([a.url]), { ...other, chatTemplate: '{% for x in %}' }] }),
    /chatTemplate of other: .*correct it/,
  );
  assert.equal((await ask()).status, 404, 'nothing of a refused one is taken over');
  await change({ models: [modelOf([a.url]), other] });
  // The engine itself knows nothing of the name.
  const joined = await ask();
  assert.equal(joined.headers['x-warmpath-endpoint'], b.url.slice(-5));
  const names = (await get(`${router.url}/v1/models`)).body.data.map(
    ({ id }: { id: string }) => id,
  );
  assert.ok(names.includes('other') && names.includes(TEST_MODEL));
  await change({ models: [modelOf([a.url])] });
  assert.equal((await ask()).status, 404);
  assert.equal(router.assembly.fleet.all.length, 1);
});

test('the engine’s key and the name of a model change for the next request', async (context) => {
  const engine = await recordingEngine(context, () => ({ body: '{}' }));
  const router = await startRouter(context, [engine], {}, QUICK_TOKENIZER);
  const change = (keys: object) =>
    router.assembly.change(
      parseConfig(textOf({ models: [modelOf([engine.url], keys)] }), 'test.yaml').config,
    );
  await change({ aliases: ['short'], apiKey: 'sk-new', replaceAuthorization: true });
  const { status } = await post(`${router.url}/v1/completions`, { model: 'short', prompt: 'a' });
  assert.equal(status, 200);
  assert.equal(engine.requests.at(-1)?.headers.authorization, 'Bearer sk-new');
});

test('serve follows its files, takes SIGHUP, refuses what is wrong and names what must wait', async (context) => {
  const engine = await recordingEngine(context, () => ({ body: '{}' }));
  const models = [modelOf([engine.url])];
  const top = { access: { keysFile: 'keys' }, log: { level: 'info' } };
  const config = textOf({ models, top });
  const router = serveProcess(context, config, { files: { keys: 'sk-old\n' } });
  const url = await router.ready;
  const status = async (key: string) =>
    (await get(`${url}/v1/models`, { authorization: `Bearer ${key}` })).status;
  const logged = (message: string) => router.lines().filter((line) => line['message'] === message);
  assert.equal(await status('sk-old'), 200);
  writeFileSync(join(router.folder, 'keys'), 'sk-new\n');
  await waitFor('the new key', () => logged('configuration taken over').length === 1);
  assert.deepEqual([await status('sk-old'), await status('sk-new')], [401, 200]);
  router.configure(textOf({ models, top: { ...top, limits: { bodyBytes: 'huge' } } }));
  router.child.kill('SIGHUP');
  await waitFor(
    'the refusal',
    () => logged('configuration refused: the one before stays').length > 0,
  );
  assert.match(
    String(logged('configuration refused: the one before stays')[0]?.['reason']),
    /warmpath\.yaml.*bodyBytes/,
  );
  assert.equal(await status('sk-new'), 200);
  router.configure(textOf({ models, top: { ...top, index: { maxBytes: '2GiB' } } }));
  router.child.kill('SIGHUP');
  await waitFor('the good one', () => logged('settings wait for a restart').length > 0);
  assert.deepEqual(logged('settings wait for a restart')[0]?.['settings'], ['index.maxBytes']);
  assert.equal(await status('sk-new'), 200);
  router.child.kill('SIGTERM');
  assert.equal((await router.ended).code, 0);
});
