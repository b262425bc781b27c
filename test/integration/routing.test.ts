// The main job, end to end: real HTTP, real ZMQ, a real tokenizer and template, engines with a real
// block pool that count their own hits.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { loadPromptEncoder, shippedTokenizer } from '../../src/sim/model-encoder.js';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import { startRouter, TEST_MODEL, type TestRouter } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';

const ENGINES = 3;
const PREFIXES = 30;
const REQUESTS = 300;
const CLIENTS = 6;

const encoder = await loadPromptEncoder(shippedTokenizer());

const engines = (context: TestContext): Promise<SimEngine[]> =>
  startSims(context, ENGINES, { encoder, model: TEST_MODEL });

interface Answer {
  readonly endpoint: string | null;
  readonly promptTokens: number;
  readonly matchedTokens: number;
  readonly cachedTokens: number;
  readonly trust: string | null;
}

async function chat(url: string, system: string, question: string): Promise<Answer> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: TEST_MODEL,
      max_tokens: 4,
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: question },
      ],
    }),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const { usage } = JSON.parse(text);
  return {
    endpoint: response.headers.get('x-warmpath-endpoint'),
    promptTokens: usage.prompt_tokens,
    matchedTokens: Number(response.headers.get('x-warmpath-matched-tokens')),
    cachedTokens: usage.prompt_tokens_details.cached_tokens,
    trust: response.headers.get('x-warmpath-trust'),
  };
}

const systemPrompt = (prefix: number) =>
  `You keep book number ${prefix}. ${`Page ${prefix} tells of ships, of their cargo, and of the weather on the day. `.repeat(15)}`;

/** 300 requests over 30 prefixes, 6 at a time; returns the answers in order of arrival. */
async function load(url: string): Promise<{ prefix: number; answer: Answer }[]> {
  const answers: { prefix: number; answer: Answer }[] = [];
  let next = 0;
  const client = async () => {
    while (next < REQUESTS) {
      const number = next++;
      const prefix = number % PREFIXES;
      const question = `Question ${number}: what was loaded?`;
      answers.push({ prefix, answer: await chat(url, systemPrompt(prefix), question) });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return answers;
}

/** Share of the tokens that an ideal single cache would have had: all of a prefix but its first. */
function cachedShare(answers: readonly { prefix: number; answer: Answer }[]): number {
  const best = new Map<number, number>();
  for (const { prefix, answer } of answers) {
    best.set(prefix, Math.max(best.get(prefix) ?? 0, answer.cachedTokens));
  }
  const seen = new Set<number>();
  let cached = 0;
  let cacheable = 0;
  for (const { prefix, answer } of answers) {
    if (seen.has(prefix)) {
      cached += answer.cachedTokens;
      cacheable += best.get(prefix) ?? 0;
    }
    seen.add(prefix);
  }
  return cached / cacheable;
}

test('the same prompt again goes where it is cached, and the engine confirms the predicted tokens', async (context) => {
  const { url } = await startRouter(context, await engines(context));
  const first = await chat(url, systemPrompt(1), 'What was loaded?');
  assert.equal(first.cachedTokens, 0);
  const second = await again(() => chat(url, systemPrompt(1), 'What was loaded?'));
  assert.equal(second.endpoint, first.endpoint);
  assert.equal(second.trust, 'exact');
  assert.equal(second.matchedTokens, second.cachedTokens);
  assert.equal(second.matchedTokens, Math.floor((second.promptTokens - 1) / 16) * 16);
});

/** Asks until the events of the first answer have been applied and main has heard of it. */
async function again(ask: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    const answer = await ask();
    if ((answer.matchedTokens > 0 && answer.trust === 'exact') || attempt === 200) return answer;
  }
}

test('300 requests over 30 prefixes find at least 85 % of what is cacheable; with weight 0 clearly less', async (context) => {
  const precise = await startRouter(context, await engines(context));
  const share = cachedShare(await load(precise.url));
  const blind = await startRouter(context, await engines(context), {
    scheduling: {
      plugins: [{ type: 'prefix-cache-scorer' }, { type: 'load-aware-scorer' }],
      schedulingProfiles: [
        {
          plugins: [
            { pluginRef: 'prefix-cache-scorer', weight: 0 },
            { pluginRef: 'load-aware-scorer', weight: 1 },
          ],
        },
      ],
    },
  });
  const blindShare = cachedShare(await load(blind.url));
  context.diagnostic(
    `cached share: precise ${share.toFixed(3)}, load only ${blindShare.toFixed(3)}`,
  );
  assert.ok(share >= 0.85, `precise served ${share} of the cacheable tokens from cache`);
  assert.ok(blindShare < share - 0.1, `load only served ${blindShare}, precise ${share}`);
});

test('explain tells where a request would go, and sends nothing', async (context) => {
  const sims = await engines(context);
  const { url, adminUrl }: TestRouter = await startRouter(context, sims);
  const first = await chat(url, systemPrompt(2), 'What was loaded?');
  await again(() => chat(url, systemPrompt(2), 'What was loaded?'));
  const before = sims.map((sim) => sim.stats.steps);
  const response = await fetch(`${adminUrl}/explain`, {
    method: 'POST',
    body: JSON.stringify({
      model: TEST_MODEL,
      messages: [{ role: 'system', content: systemPrompt(2) }],
    }),
  });
  const decision = JSON.parse(await response.text());
  assert.equal(decision.endpoint, first.endpoint);
  assert.ok(decision.matchedTokens > 0);
  assert.equal(decision.candidates.length, ENGINES);
  assert.deepEqual(
    sims.map((sim) => sim.stats.steps),
    before,
  );
});
