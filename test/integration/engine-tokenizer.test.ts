// Models whose prompts the engines tokenize: one is asked, and the match is as exact as ever; an engine
// that cannot say is left alone, and nobody waits for it.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { loadPromptEncoder, shippedTokenizer } from '../../src/sim/model-encoder.js';
import type { PathFault } from '../../src/sim/server-faults.js';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import type { SimOptions } from '../../src/sim/sim-options.js';
import { get, post } from '../support/openai-client.js';
import { startRouter, TEST_MODEL, type TestRouter } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const RENDER = '/v1/chat/completions/render';
const BLOCK = 16;
const encoder = await loadPromptEncoder(shippedTokenizer());

interface Scene extends TestRouter {
  readonly sims: readonly SimEngine[];
}

async function stage(
  t: TestContext,
  extra: Record<string, unknown> = {},
  sim: Partial<SimOptions> = {},
  model: Record<string, unknown> = { tokenizer: 'engine' },
): Promise<Scene> {
  const choices = { encoder, model: TEST_MODEL, tokensPerMedium: 100, ...sim };
  const sims = await startSims(t, 2, choices);
  return { ...(await startRouter(t, sims, extra, { model })), sims };
}

type Content = string | readonly Record<string, unknown>[];

const chat = (content: Content, more: Record<string, unknown> = {}) => ({
  model: TEST_MODEL,
  max_tokens: 2,
  messages: [{ role: 'user', content }],
  ...more,
});

async function ask({ url }: Pick<TestRouter, 'url'>, path: string, body: object) {
  const answer = await post(`${url}${path}`, body);
  assert.equal(answer.status, 200, answer.text);
  const { usage } = answer.body;
  return {
    endpoint: answer.headers['x-warmpath-endpoint'],
    trust: answer.headers['x-warmpath-trust'],
    matched: Number(answer.headers['x-warmpath-matched-tokens']),
    prompt: Number(answer.headers['x-warmpath-prompt-tokens']),
    decisionMs: Number(answer.headers['x-warmpath-decision-us']) / 1000,
    cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
    reported: usage.prompt_tokens,
  };
}

type Asked = Awaited<ReturnType<typeof ask>>;

/** Until the events of earlier answers are in. */
async function askWarm(scene: Scene, path: string, body: object): Promise<Asked> {
  let last = await ask(scene, path, body);
  await waitFor('a warm answer', async () => {
    last = await ask(scene, path, body);
    return last.trust === 'exact' && last.matched > 0;
  });
  return last;
}

const asked = (sims: readonly SimEngine[], path: string) =>
  sims.reduce((sum, { faults }) => sum + (faults.seen.get(path) ?? 0), 0);

const fault = (sims: readonly SimEngine[], path: string, one: Partial<PathFault>) => {
  for (const { faults } of sims) faults.paths.set(path, { status: null, delayMs: 0, ...one });
};

async function counted({ adminUrl }: TestRouter, result: string): Promise<number> {
  const { text } = await get(`${adminUrl}/metrics`);
  const line = new RegExp(`^warmpath_engine_prompts_total\\{result="${result}"\\} (\\d+)$`, 'm');
  return Number(line.exec(text)?.[1] ?? 0);
}

const long = (about: string) => `Tell me of ${about}. `.repeat(30);

test('chats, completions and several prompts are matched as the engines tokenize them', async (t) => {
  const scene = await stage(t);
  const bodies: readonly (readonly [string, object])[] = [
    ['/v1/chat/completions', chat(long('ships'))],
    ['/v1/completions', { model: TEST_MODEL, prompt: long('tides'), max_tokens: 2 }],
    [
      '/v1/completions',
      { model: TEST_MODEL, prompt: [long('quays'), long('cranes')], max_tokens: 2 },
    ],
  ];
  for (const [path, body] of bodies) {
    const { matched, cached, prompt, reported } = await askWarm(scene, path, body);
    assert.equal(prompt, reported);
    assert.equal(matched, cached);
    assert.ok(matched >= prompt - 2 * BLOCK - 2, `${matched} of ${prompt}`);
  }
});

test('what does not change the prompt does not change the question', async (t) => {
  const scene = await stage(t);
  await ask(scene, '/v1/chat/completions', chat(long('ships')));
  assert.equal(asked(scene.sims, RENDER), 1);
  for (const more of [{ temperature: 0 }, { max_tokens: 5, seed: 3 }, { user: 'a', n: 2 }]) {
    await ask(scene, '/v1/chat/completions', chat(long('ships'), more));
  }
  assert.equal(asked(scene.sims, RENDER), 1);
  assert.equal(await counted(scene, 'cached'), 3);
  await ask(scene, '/v1/chat/completions', chat(long('ships'), { add_generation_prompt: false }));
  assert.equal(asked(scene.sims, RENDER), 2);
});

test('a burst with one prompt is one question', async (t) => {
  const scene = await stage(t);
  fault(scene.sims, RENDER, { delayMs: 100 });
  const burst = Array.from({ length: 20 }, () => ask(scene, '/v1/chat/completions', chat('Ahoy!')));
  const answers = await Promise.all(burst);
  assert.equal(asked(scene.sims, RENDER), 1);
  assert.ok(answers.every(({ prompt, reported }) => prompt === reported));
});

test('token ids need no engine', async (t) => {
  const scene = await stage(t);
  const prompt = Array.from({ length: 100 }, (_, i) => 1000 + i);
  const body = { model: TEST_MODEL, prompt, max_tokens: 2 };
  const { matched, cached } = await askWarm(scene, '/v1/completions', body);
  assert.deepEqual([matched, cached], [96, 96]);
  assert.equal(asked(scene.sims, '/v1/completions/render'), 0);
});

test('an engine without render routes is asked through /tokenize, and not again for the others', async (t) => {
  const scene = await stage(t);
  fault(scene.sims, RENDER, { status: 404 });
  const warm = await askWarm(scene, '/v1/chat/completions', chat(long('ships')));
  assert.equal(warm.matched, warm.cached);
  for (const about of ['tides', 'quays', 'cranes']) {
    const { prompt, reported } = await ask(scene, '/v1/chat/completions', chat(long(about)));
    assert.equal(prompt, reported);
  }
  assert.ok(asked(scene.sims, RENDER) <= 2);
  // What /tokenize does not know is routed by load.
  const documents = [{ title: 'a', text: 'b' }];
  const unknown = await ask(scene, '/v1/chat/completions', chat('x', { documents }));
  assert.equal(unknown.trust, 'none');
});

test('slow engines cost one deadline, then nothing: routed by load with trust none', async (t) => {
  const scene = await stage(t, { timeouts: { matchMs: 200 } });
  fault(scene.sims, RENDER, { delayMs: 3000 });
  const first = await ask(scene, '/v1/chat/completions', chat(long('ships')));
  assert.equal(first.trust, 'none');
  assert.ok(first.decisionMs >= 150 && first.decisionMs < 1000, `${first.decisionMs} ms`);
  const before = asked(scene.sims, RENDER);
  const rest: Asked[] = [];
  for (let i = 0; i < 10; i += 1) {
    rest.push(await ask(scene, '/v1/chat/completions', chat(long(`ship ${i}`))));
  }
  assert.ok(rest.every(({ trust }) => trust === 'none'));
  assert.ok(rest.every(({ decisionMs }) => decisionMs < 150));
  assert.equal(asked(scene.sims, RENDER), before);
  assert.equal(await counted(scene, 'nobody'), 10);
});

test('where one engine fails the other is asked, and a sick one is left alone until it is well', async (t) => {
  const scene = await stage(t);
  const [sick, well] = scene.sims;
  assert.ok(sick !== undefined && well !== undefined);
  fault([sick], RENDER, { status: 500 });
  for (let i = 0; i < 12; i += 1) {
    const { prompt, reported } = await ask(scene, '/v1/chat/completions', chat(long(`ship ${i}`)));
    assert.equal(prompt, reported);
  }
  assert.ok(asked([sick], RENDER) <= 2, `${asked([sick], RENDER)} questions`);
  sick.faults.paths.clear();
  well.refuseConnections();
  await waitFor('an answer of the one that recovered', async () => {
    const { trust } = await ask(scene, '/v1/chat/completions', chat(long('a ship at last')));
    return trust !== 'none';
  });
});

test('an answer that holds no tokens counts as a failure', async (t) => {
  const scene = await stage(t);
  fault(scene.sims, RENDER, { status: 200 });
  const { trust } = await ask(scene, '/v1/chat/completions', chat('Ahoy!'));
  assert.equal(trust, 'none');
  assert.equal(await counted(scene, 'failed'), 1);
  await ask(scene, '/v1/chat/completions', chat('Ahoy there!'));
  assert.equal(await counted(scene, 'nobody'), 1);
});

test('a request that no engine takes is refused in the words of the engine', async (t) => {
  const scene = await stage(t);
  const body = chat('x', { chat_template_kwargs: { tokenize: true } });
  assert.equal((await post(`${scene.url}/v1/chat/completions`, body)).status, 400);
  const image = [{ type: 'image_url', image_url: { url: 'data:,a' } }];
  const textOnly = await stage(t, {}, { tokensPerMedium: null });
  const answer = await post(`${textOnly.url}/v1/chat/completions`, chat(image));
  assert.equal(answer.status, 400);
  assert.match(answer.body.error.message, /text only/);
  assert.equal(await counted(textOnly, 'refused'), 1);
});

const picture = (name: string, more: object = {}) => ({
  type: 'image_url',
  image_url: { url: `data:image/png;base64,${name}` },
  ...more,
});

for (const [what, model] of [
  ['the engine as tokenizer', { tokenizer: 'engine' }],
  ['renderMedia', { renderMedia: true }],
] as const) {
  test(`prompts with media are matched to their end, by what the media are (${what})`, async (t) => {
    const scene = await stage(t, {}, {}, model);
    const text = { type: 'text', text: long('this picture') };
    const one = chat([picture('AAAA'), text]);
    const warm = await askWarm(scene, '/v1/chat/completions', one);
    assert.equal(warm.matched, warm.cached);
    assert.ok(warm.matched > 200, `${warm.matched} tokens of ${warm.prompt}`);
    const other = await ask(scene, '/v1/chat/completions', chat([picture('BBBB'), text]));
    assert.deepEqual([other.matched, other.cached], [0, 0]);
    // An identifier of the client's stands for the picture, whatever was sent for it.
    const named = chat([picture('CCCC', { uuid: 'cat' }), picture('DDDD', { uuid: 'dog' }), text]);
    await askWarm(scene, '/v1/chat/completions', named);
    const again = chat([picture('EEEE', { uuid: 'cat' }), picture('FFFF', { uuid: 'dog' }), text]);
    const same = await askWarm(scene, '/v1/chat/completions', again);
    assert.equal(same.matched, same.cached);
    assert.ok(same.matched > 300);
  });
}

test('without renderMedia a prompt with media is matched up to the first one, and no engine is asked', async (t) => {
  const scene = await stage(t, {}, {}, {});
  const messages = [
    { role: 'system', content: long('the fleet') },
    { role: 'user', content: [picture('AAAA'), { type: 'text', text: long('this picture') }] },
  ];
  const warm = await askWarm(scene, '/v1/chat/completions', { ...chat(''), messages });
  assert.ok(warm.matched > 0 && warm.matched < warm.cached, `${warm.matched} of ${warm.cached}`);
  assert.equal(asked(scene.sims, RENDER), 0);
});

test('explain shows the match of such a prompt', async (t) => {
  const scene = await stage(t);
  const body = chat(long('ships'));
  const { endpoint, matched } = await askWarm(scene, '/v1/chat/completions', body);
  const record = (await post(`${scene.adminUrl}/explain`, body)).body;
  assert.deepEqual([record.endpoint, record.matchedTokens], [endpoint, matched]);
});
