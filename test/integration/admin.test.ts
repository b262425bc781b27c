// The admin port over real HTTP: the page, its feed, explanations, metrics, and who may write.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { loadPromptEncoder, shippedTokenizer } from '../../src/sim/model-encoder.js';
import { firstSnapshot } from '../support/live-snapshot.js';
import { parseMetrics } from '../support/metrics-parser.js';
import { get, post } from '../support/openai-client.js';
import { startRouter, TEST_MODEL, type TestRouter } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const encoder = await loadPromptEncoder(shippedTokenizer());
const SECRET = 'the brass key lies under the seventh stair';
const CHAT = {
  model: TEST_MODEL,
  max_tokens: 2,
  messages: [{ role: 'user', content: `${SECRET}. `.repeat(30) }],
};

async function start(context: TestContext): Promise<TestRouter> {
  const engines = await startSims(context, 2, { encoder, model: TEST_MODEL });
  return startRouter(context, engines);
}

test('the page and all it asks for come from the admin port, under a strict policy', async (context) => {
  const { adminUrl } = await start(context);
  const page = await get(`${adminUrl}/`);
  assert.equal(page.status, 200);
  assert.match(String(page.headers['content-type']), /^text\/html/);
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:/);
  assert.doesNotMatch(
    page.text,
    /<style|<script>|style="|\son[a-z]+="|(?:src|href)="(?:https?:)?\/\//,
  );
  const names = [...page.text.matchAll(/(?:src|href)="([\w-]+\.(?:css|js))"/g)].map(([, n]) => n);
  assert.ok(names.includes('page.css') && names.includes('page.js'));
  for (const name of names) {
    const file = await get(`${adminUrl}/${name}`);
    assert.equal(file.status, 200, name);
    for (const [, other] of file.text.matchAll(/from '\.\/([\w-]+\.js)'/g)) {
      assert.equal((await get(`${adminUrl}/${other}`)).status, 200, other);
    }
  }
  assert.equal((await get(`${adminUrl}/../package.json`)).status, 404);
});

test('a decision is found in the list, by its id and in the feed, and no prompt text is', async (context) => {
  const { url, adminUrl } = await start(context);
  const headers = {
    'x-request-id': 'ask-7',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  };
  const answer = await post(`${url}/v1/chat/completions`, CHAT, headers);
  const endpoint = answer.headers['x-warmpath-endpoint'];
  const list = await get(`${adminUrl}/decisions`);
  const [decision] = list.body;
  assert.equal(decision.endpoint, endpoint);
  assert.equal(decision.requestId, 'ask-7');
  assert.equal(decision.cachedTokens, 0);
  assert.equal(decision.promptTokens, answer.body.usage.prompt_tokens);
  const one = await get(`${adminUrl}/decisions?id=${decision.id}`);
  assert.deepEqual(one.body, decision);
  assert.equal((await get(`${adminUrl}/decisions?id=999`)).status, 404);
  assert.equal((await get(`${adminUrl}/explain`)).status, 405);

  const snapshot = await firstSnapshot(adminUrl);
  const { decisions, total, endpoints, demo } = JSON.parse(snapshot);
  assert.equal(decisions[0].id, decision.id);
  assert.equal(total.promptTokens, decision.promptTokens);
  assert.equal(endpoints.length, 2);
  assert.equal(demo, null);
  const shown = [list.text, snapshot, (await get(`${adminUrl}/endpoints`)).text];
  for (const text of shown) assert.ok(!text.includes('brass'), 'no prompt text');

  const open = await get(`${adminUrl}/metrics`, { accept: 'application/openmetrics-text' });
  const family = parseMetrics(open.text, 'openmetrics').get('warmpath_decision_seconds');
  const traced = family?.samples.find(({ exemplar }) => exemplar !== null);
  assert.match(traced?.exemplar ?? '', /4bf92f3577b34da6a3ce929d0e0e4736/);
});

test('metrics of a router with traffic are valid, and stages add up to the decision', async (context) => {
  const { url, adminUrl } = await start(context);
  for (let i = 0; i < 3; i += 1) await post(`${url}/v1/chat/completions`, CHAT);
  // Events follow the answers they belong to.
  await waitFor('blocks in the index', async () => {
    const { text } = await get(`${adminUrl}/metrics`);
    return /^warmpath_index_blocks [1-9]/m.test(text);
  });
  const families = parseMetrics((await get(`${adminUrl}/metrics`)).text, 'prometheus');
  const value = (name: string, labels: Readonly<Record<string, string>> = {}) => {
    const family = families.get(name.replace(/_(sum|count)$/, '')) ?? families.get(name);
    const found = family?.samples.find(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
    );
    assert.ok(found !== undefined, `${name} ${JSON.stringify(labels)}`);
    return found.value;
  };
  const sum = (stage: string) => value('warmpath_decision_seconds_sum', { stage });
  const stages = ['parse', 'render', 'tokenize', 'hash', 'match', 'wait'].map(sum);
  const whole = sum('total');
  assert.ok(Math.abs(stages.reduce((a, b) => a + b, 0) - whole) < 0.01 * whole);
  assert.equal(value('warmpath_decision_seconds_count', { stage: 'total' }), 3);
  assert.equal(value('warmpath_queue_depth'), 0);
  assert.equal(value('warmpath_endpoint_healthy', { endpoint: 'a' }), 1);
  assert.ok(value('process_resident_memory_bytes') > 1e7);
  // The API port has the same page.
  parseMetrics((await get(`${url}/metrics`)).text, 'prometheus');
});

test('a page of another site may not write; the own page and curl may', async (context) => {
  const { adminUrl } = await start(context);
  const explain = (headers: Record<string, string>) => post(`${adminUrl}/explain`, CHAT, headers);
  assert.equal((await explain({})).status, 200);
  assert.equal((await explain({ origin: adminUrl })).status, 200);
  const proxied = { origin: 'https://ops.example', 'sec-fetch-site': 'same-origin' };
  assert.equal((await explain(proxied)).status, 200);
  for (const origin of ['https://evil.example', 'null', `${adminUrl}0`]) {
    const refused = await explain({ origin, 'sec-fetch-site': 'cross-site' });
    assert.equal(refused.status, 403, origin);
    assert.equal(refused.body.error.type, 'ForbiddenError');
  }
  assert.equal((await post(`${adminUrl}/demo`, { traffic: true })).status, 405, 'no demo here');
});

const explain = (adminUrl: string, query: string, body: object = CHAT) =>
  post(`${adminUrl}/explain${query}`, body);

test('an explanation shows the prompt only when asked to', async (context) => {
  const { adminUrl } = await start(context);
  const hidden = await explain(adminUrl, '');
  assert.equal(hidden.status, 200);
  assert.ok(!hidden.text.includes('brass'));
  assert.equal(hidden.body.prompts, undefined);
  const [prompt, ...others] = (await explain(adminUrl, '?prompt=true')).body.prompts;
  assert.ok(prompt.text.startsWith('<|im_start|>user') && prompt.text.includes(SECRET));
  assert.equal(prompt.tokenIds.length, hidden.body.promptTokens);
  assert.equal(others.length, 0);
  assert.ok(!(await get(`${adminUrl}/decisions`)).text.includes('brass'));
});

test('an explanation is of the API that its path names', async (context) => {
  const { adminUrl } = await start(context);
  const body = { model: TEST_MODEL, max_tokens: 2, system: 'Be short.', messages: CHAT.messages };
  const asked = await explain(adminUrl, '?path=/v1/messages&prompt=true', body);
  assert.match(asked.body.prompts[0].text, /^<\|im_start\|>system\nBe short\./);
  const unknown = await explain(adminUrl, '?path=/v1/embeddings', body);
  assert.equal(unknown.status, 400);
  assert.match(unknown.body.error.message, /not routed by prefix/);
});

test('explaining counts nothing, not even a prompt that cannot be matched', async (context) => {
  const { adminUrl } = await start(context);
  const image = { type: 'image_url', image_url: { url: 'data:,x' } };
  const opaque = {
    ...CHAT,
    truncate_prompt_tokens: 5,
    messages: [{ role: 'user', content: [image] }],
  };
  const { body } = await explain(adminUrl, '', opaque);
  assert.equal(body.unmatched, 'opaque');
  const { text } = await get(`${adminUrl}/metrics`);
  assert.doesNotMatch(text, /^warmpath_(unscheduled|requests|prompt_tokens)_total\{/m);
});
