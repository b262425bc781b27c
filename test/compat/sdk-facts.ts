// What every SDK must find when it talks to the router instead of an engine.
import assert from 'node:assert/strict';
import test from 'node:test';
import { post } from '../support/openai-client.js';
import { TEST_MODEL } from '../support/router.js';
import { waitFor } from '../support/wait-for.js';
import type { Ask, Sdk, SdkClient, SdkOptions, ToldFailure } from './sdk-client.js';
import { KEY, REFUSAL, type SdkStage, sdkStage, TOOL_INPUT, VECTOR } from './sdk-stage.js';
import { askAgain, wireLog } from './wire-log.js';

interface Trial extends SdkStage {
  /** The SDK, by default in front of the simulated engines. */
  connect(options?: Partial<SdkOptions>): SdkClient;
}

type Fact = (trial: Trial) => Promise<void>;

/** Runs every fact with one SDK, against one fleet. */
export function everyFactHolds(sdk: Sdk): void {
  test(`${sdk.name} finds the router to be an engine`, async (context) => {
    const stage = await sdkStage(context);
    const connect: Trial['connect'] = (options) => sdk.connect({ baseUrl: stage.url, ...options });
    for (const [name, fact] of Object.entries(FACTS)) {
      await context.test(name, () => fact({ ...stage, connect }));
    }
  });
}

const PLACES = 'Ülm, 東京, Łódź and 🏔️ Zermatt';
let asked = 0;

/** A prompt that was not asked before. */
function newAsk(more: Partial<Ask> = {}): Ask {
  asked += 1;
  return { model: TEST_MODEL, prompt: `Question ${asked} about ${PLACES}`, maxTokens: 12, ...more };
}

const FACTS: Readonly<Record<string, Fact>> = {
  'a chat answer is the one of the engine asked directly': async ({ connect, engines }) => {
    const ask = newAsk();
    const told = await connect().chat(ask);
    const { body } = await directly(engines[0].url, ask);
    assert.equal(told.text, body.choices[0].message.content);
    assert.equal(told.finish, body.choices[0].finish_reason);
    assert.equal(told.usage?.prompt, body.usage.prompt_tokens);
    assert.equal(told.usage?.completion, 12);
    assert.deepEqual(told.toolCalls, []);
  },

  'a streamed chat comes in pieces that join to the whole answer': async ({ connect }) => {
    const ask = newAsk();
    const whole = await connect().chat(ask);
    const pieces: string[] = [];
    const told = await connect().streamChat(ask, (piece) => pieces.push(piece));
    assert.equal(pieces.join(''), whole.text);
    assert.equal(told.text, whole.text);
    assert.equal(told.finish, whole.finish);
    assert.ok(pieces.length >= 10, `${pieces.length} pieces of 12 tokens`);
  },

  'a stream carries the usage that was asked for, and none that was not': async ({ connect }) => {
    const ask = newAsk();
    const { usage } = await connect().chat(ask);
    const counted = await connect().streamChat({ ...ask, wantsUsage: true }, () => {});
    assert.deepEqual(counted.usage, usage);
    assert.equal((await connect().streamChat(ask, () => {})).usage, null);
  },

  'completions are those of the engine asked directly, whole and streamed': async ({
    connect,
    engines,
  }) => {
    const log = wireLog();
    const client = connect({ fetch: log.fetch });
    const ask = newAsk();
    const told = await client.complete(ask);
    // Asked with the SDK's own bytes: some put more into the prompt.
    const { choices } = JSON.parse(await askAgain(engines[0].url, log.last));
    assert.equal(told, choices[0].text);
    assert.ok(told.length > 0);
    assert.equal(await client.streamComplete(ask), told);
    assert.equal(log.last.path, '/v1/completions');
    assert.equal(JSON.parse(log.last.requestBody).stream, true);
  },

  'streamed bytes are those of the engine asked directly': async ({ connect, engine }) => {
    const log = wireLog();
    const headers = { 'x-request-id': 'the-same' };
    const client = connect({ fetch: log.fetch, headers });
    const ask = newAsk({ wantsUsage: true });
    // The first time finds nothing in the cache, and its usage says so.
    await client.streamChat(ask, () => {});
    await client.streamChat(ask, () => {});
    const { last } = log;
    const direct = await askAgain(engine(last.headers.get('x-warmpath-endpoint')).url, last);
    assert.equal(timeless(await last.text), timeless(direct));
    assert.match(direct, /"usage":.*\n\ndata: \[DONE\]\n\n$/);
    assert.equal(last.path, '/v1/chat/completions');
  },

  'the next turn of a conversation goes where the first one is cached': async ({ connect }) => {
    const log = wireLog();
    const client = connect({ fetch: log.fetch });
    const first = newAsk({ prompt: `${newAsk().prompt}. ${'It is a long story. '.repeat(30)}` });
    const { text } = await client.chat(first);
    const endpoint = log.last.headers.get('x-warmpath-endpoint');
    for (let i = 0; i < 4; i++) {
      await client.chat(newAsk({ earlier: [[first.prompt, text]] }));
      assert.equal(log.last.headers.get('x-warmpath-endpoint'), endpoint);
      const matched = Number(log.last.headers.get('x-warmpath-matched-tokens'));
      assert.ok(matched >= 150, `${matched} tokens matched`);
    }
  },

  'tools reach the engine as they were sent, and its call comes back': async ({
    connect,
    recordedUrl,
    recorder,
  }) => {
    const log = wireLog();
    const client = connect({ fetch: log.fetch, baseUrl: recordedUrl });
    const weather = {
      name: 'weather',
      description: 'Forecast for a place, “naïve” but quick',
      properties: { city: { type: 'string' }, days: { type: 'number' } },
    } as const;
    const ask = newAsk({ tools: [weather], wantsUsage: true });
    for (const told of [await client.chat(ask), await client.streamChat(ask, () => {})]) {
      assert.deepEqual(told.toolCalls, [{ name: 'weather', input: TOOL_INPUT }]);
      assert.match(told.finish, /^tool.calls$/);
      const { tools } = JSON.parse(log.last.requestBody);
      assert.equal(tools[0].function.description, weather.description);
      assert.equal(recorder.requests.at(-1)?.body, log.last.requestBody);
    }
  },

  'a model that nobody serves is a 404 in the engine’s words': async ({ connect, engines }) => {
    const ask = newAsk({ model: 'no/such-model' });
    const { status, message } = await failureOf(connect(), (client) => client.chat(ask));
    assert.equal(status, 404);
    const { body } = await directly(engines[0].url, ask);
    assert.ok(message.includes(body.error.message), message);
  },

  'a request that the engine refuses is its 400, whole and streamed': async ({
    connect,
    recordedUrl: baseUrl,
  }) => {
    for (const way of WAYS) {
      const told = await failureOf(connect({ baseUrl }), (client) => way(client, REFUSED));
      assert.equal(told.status, 400);
      assert.ok(told.message.includes(REFUSAL), told.message);
    }
  },

  'a request that cannot fit is a 400 in the engine’s words, whole and streamed': async ({
    connect,
  }) => {
    for (const way of WAYS) {
      const ask = newAsk({ maxTokens: 2_000_000 });
      const told = await failureOf(connect(), (client) => way(client, ask));
      assert.equal(told.status, 400);
      assert.match(
        told.message,
        /requested 2000000 output tokens\. .* context length is only 16384/,
      );
    }
  },

  'a wrong key is the engine’s own 401, and a right one reaches it': async ({
    connect,
    guardedUrl: baseUrl,
  }) => {
    for (const way of WAYS) {
      const client = connect({ baseUrl, apiKey: 'sk-wrong' });
      assert.equal((await failureOf(client, (one) => way(one, newAsk()))).status, 401);
    }
    assert.ok((await connect({ baseUrl, apiKey: KEY }).chat(newAsk())).text.length > 0);
  },

  'an engine that asks for patience is asked again by the SDK itself': async ({
    connect,
    engines,
  }) => {
    for (const { faults } of engines) faults.status = 503;
    const log = wireLog();
    const answer = connect({ fetch: log.fetch, retries: 2 }).chat(newAsk());
    await waitFor('the refusal', () => log.exchanges.length === 1);
    for (const { faults } of engines) faults.status = null;
    assert.equal(log.last.headers.get('retry-after'), '1');
    assert.ok((await answer).text.length > 0);
    assert.deepEqual(
      log.exchanges.map(({ status }) => status),
      [503, 200],
    );
  },

  'an engine that dies in a stream is an error, never a short answer': async ({
    connect,
    engines,
  }) => {
    for (const { faults } of engines) faults.failAfterTokens = 5;
    try {
      const pieces: string[] = [];
      const told = connect().streamChat(newAsk(), (piece) => pieces.push(piece));
      await assert.rejects(told);
      assert.ok(pieces.length >= 4, `${pieces.length} pieces`);
    } finally {
      for (const { faults } of engines) faults.failAfterTokens = null;
    }
  },

  'a user who leaves in the middle of a stream frees the engine': async ({ connect, busy }) => {
    const leaving = new AbortController();
    const told = connect().streamChat(newAsk({ maxTokens: 500, signal: leaving.signal }), () =>
      leaving.abort(),
    );
    // Some SDKs throw, some end the loop.
    await told.catch(() => {});
    assert.ok(leaving.signal.aborted);
    await waitFor('the end of the engine’s request', () => busy() === 0);
  },

  'a user who leaves before the answer frees the engine': async ({ connect, busy }) => {
    const leaving = new AbortController();
    const told = connect().chat(newAsk({ maxTokens: 500, signal: leaving.signal }));
    await waitFor('the engine’s request', () => busy() === 1);
    leaving.abort();
    await assert.rejects(told);
    await waitFor('the end of the engine’s request', () => busy() === 0);
  },

  'models are listed once, whatever the number of engines': async ({ connect }) => {
    const { models } = connect();
    if (models !== null) assert.deepEqual(await models(), [TEST_MODEL]);
  },

  'embeddings keep their numbers, however they are encoded': async ({
    connect,
    recordedUrl: baseUrl,
  }) => {
    const vectors = await connect({ baseUrl }).embed(TEST_MODEL, ['one', 'two']);
    assert.deepEqual(vectors, [VECTOR, VECTOR]);
  },
};

const REFUSED = newAsk({ prompt: REFUSAL });

const WAYS: readonly ((client: SdkClient, ask: Ask) => Promise<unknown>)[] = [
  (client, ask) => client.chat(ask),
  (client, ask) => client.streamChat(ask, () => {}),
];

function directly(url: string, { model, prompt, maxTokens }: Ask) {
  const messages = [{ role: 'user', content: prompt }];
  return post(`${url}/v1/chat/completions`, { model, messages, max_tokens: maxTokens });
}

async function failureOf(
  client: SdkClient,
  call: (client: SdkClient) => Promise<unknown>,
): Promise<ToldFailure> {
  try {
    await call(client);
  } catch (thrown) {
    return client.failure(thrown);
  }
  throw new Error('the SDK told of no failure');
}

/** The only thing that may differ between two answers is when they were made. */
const timeless = (text: string) => text.replace(/"created":\d+/g, '"created":0');
