// The simulated engine over real HTTP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request } from 'undici';
import { parseEngineMetrics } from '../../src/endpoint/engine-metrics.js';
import { eventsOf, get, post } from '../support/openai-client.js';
import { startSim } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const MODEL = 'Qwen/Qwen3-0.6B';
const chat = (text: string, more: object = {}) => ({
  model: MODEL,
  messages: [{ role: 'user', content: text }],
  max_tokens: 8,
  ...more,
});
const PROMPT = 'The quick brown fox jumps over the lazy dog. ';

test('a chat is answered whole, with usage and the tokens found in the cache', async (t) => {
  const sim = await startSim(t);
  const url = `${sim.url}/v1/chat/completions`;
  const first = await post(url, chat(PROMPT.repeat(4)), { 'x-request-id': 'abc' });
  assert.equal(first.status, 200);
  assert.equal(first.body.id, 'chatcmpl-abc');
  assert.equal(first.body.object, 'chat.completion');
  assert.equal(first.body.model, MODEL);
  const [choice] = first.body.choices;
  assert.equal(choice.message.role, 'assistant');
  assert.equal(choice.message.content.length, 8);
  assert.equal(choice.finish_reason, 'length');
  // `<user>` + 180 characters + newline + `<assistant>`.
  assert.deepEqual(first.body.usage, {
    prompt_tokens: 198,
    total_tokens: 206,
    completion_tokens: 8,
    prompt_tokens_details: { cached_tokens: 0 },
  });
  const again = await post(url, chat(PROMPT.repeat(4)));
  assert.equal(again.body.usage.prompt_tokens_details.cached_tokens, 192);
  assert.equal(again.body.choices[0].message.content, choice.message.content);
  const other = await post(url, chat(PROMPT.repeat(4), { seed: 7, n: 2 }));
  const texts = other.body.choices.map(({ message }: { message: { content: string } }) => message);
  assert.equal(texts.length, 2);
  assert.notEqual(texts[0].content, texts[1].content);
});

test('a stream carries the same text, one token a chunk, in the shape of vLLM', async (t) => {
  const sim = await startSim(t);
  const url = `${sim.url}/v1/chat/completions`;
  const whole = await post(url, chat(PROMPT));
  const stream = await post(
    url,
    chat(PROMPT, { stream: true, stream_options: { include_usage: true }, return_token_ids: true }),
  );
  assert.match(String(stream.headers['content-type']), /^text\/event-stream/);
  const events = eventsOf(stream);
  assert.equal(events.length, 1 + 8 + 1 + 1);
  const [opening, ...rest] = events;
  assert.deepEqual(opening.choices[0].delta, { role: 'assistant', content: '' });
  assert.equal(opening.prompt_token_ids.length, whole.body.usage.prompt_tokens);
  const pieces = rest.slice(0, 8).map(({ choices: [choice] }) => choice);
  assert.equal(
    pieces.map(({ delta }) => delta.content).join(''),
    whole.body.choices[0].message.content,
  );
  assert.ok(pieces.every(({ token_ids }) => token_ids.length === 1));
  assert.deepEqual(
    pieces.map(({ finish_reason }) => finish_reason),
    [...Array(7).fill(null), 'length'],
  );
  const [usage, done] = rest.slice(8);
  assert.deepEqual(usage.choices, []);
  assert.equal(usage.usage.completion_tokens, 8);
  assert.equal(done, '[DONE]');
  assert.equal(new Set(events.slice(0, -1).map(({ id }) => id)).size, 1);
});

test('usage comes only when asked for, and with every chunk when that is asked for', async (t) => {
  const sim = await startSim(t);
  const url = `${sim.url}/v1/completions`;
  const body = { model: MODEL, prompt: PROMPT, max_tokens: 3, stream: true };
  const plain = eventsOf(await post(url, body));
  assert.equal(plain.length, 4);
  assert.ok(plain.slice(0, -1).every((event) => !JSON.stringify(event).includes('"usage":')));
  const options = { include_usage: true, continuous_usage_stats: true };
  const each = eventsOf(await post(url, { ...body, stream_options: options }));
  assert.deepEqual(
    each.slice(0, -1).map(({ usage }) => usage.completion_tokens),
    [1, 2, 3, 3],
  );
});

test('completions take text and token prompts, alone and in lists', async (t) => {
  const sim = await startSim(t);
  const url = `${sim.url}/v1/completions`;
  const ask = async (prompt: unknown, more: object = {}) => {
    const { status, body } = await post(url, { model: MODEL, prompt, max_tokens: 4, ...more });
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  const text = await ask('abc', { add_special_tokens: false });
  const ids = [...Buffer.from('abc')];
  const tokens = await ask(ids);
  assert.equal(text.usage.prompt_tokens, 3);
  assert.deepEqual(text.choices, tokens.choices);
  assert.equal((await ask('abc')).usage.prompt_tokens, 4);
  const lists = await ask([ids, [...Buffer.from('xyz')]], { n: 2, return_token_ids: true });
  assert.deepEqual(
    lists.choices.map(({ index }: { index: number }) => index),
    [0, 1, 2, 3],
  );
  assert.deepEqual(lists.choices[3].prompt_token_ids, [...Buffer.from('xyz')]);
  assert.equal(lists.choices[3].token_ids.length, 4);
  assert.equal(lists.usage.completion_tokens, 16);
  const echoed = await ask('abc', { echo: true });
  assert.equal(echoed.choices[0].text.slice(0, 3), 'abc');
});

test('an answer ends by itself, at a stop string, at a stop token or at its limit', async (t) => {
  const sim = await startSim(t);
  const url = `${sim.url}/v1/completions`;
  const ask = async (more: object) => {
    const prompt = { model: MODEL, prompt: PROMPT, max_tokens: 400, return_token_ids: true };
    const { body } = await post(url, { ...prompt, ...more });
    return body.choices[0];
  };
  const natural = await ask({});
  assert.equal(natural.finish_reason, 'stop');
  assert.equal(natural.token_ids.at(-1), 257);
  const ignoring = await ask({ ignore_eos: true });
  assert.deepEqual([ignoring.finish_reason, ignoring.token_ids.length], ['length', 400]);
  const word = ignoring.text.slice(100, 110);
  const stopped = await ask({ ignore_eos: true, stop: ['never there', word] });
  assert.equal(stopped.text, ignoring.text.slice(0, ignoring.text.indexOf(word)));
  assert.deepEqual([stopped.finish_reason, stopped.stop_reason], ['stop', word]);
  const kept = await ask({ ignore_eos: true, stop: word, include_stop_str_in_output: true });
  assert.equal(kept.text, stopped.text + word);
  const letter = ignoring.token_ids[20];
  const byToken = await ask({ ignore_eos: true, stop_token_ids: [letter] });
  assert.deepEqual([byToken.finish_reason, byToken.stop_reason], ['stop', letter]);
  await waitFor('the engine to be idle', () => sim.stats.runningRequests === 0);
  assert.equal(sim.stats.cacheUsage, 0);
});

test('a client that goes away frees its request', async (t) => {
  const sim = await startSim(t, { timing: 'qwen2.5-7b-h100' });
  const controller = new AbortController();
  const response = await request(`${sim.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: MODEL,
      prompt: PROMPT,
      max_tokens: 10_000,
      ignore_eos: true,
      stream: true,
      n: 2,
    }),
    signal: controller.signal,
  });
  assert.equal(response.statusCode, 200);
  assert.equal(sim.stats.runningRequests, 2);
  controller.abort();
  await response.body.dump().catch(() => {});
  await waitFor('the engine to be idle', () => sim.stats.runningRequests === 0, 1000);
  assert.equal(sim.stats.cacheUsage, 0);
  const { text } = await get(`${sim.url}/metrics`);
  assert.match(text, /vllm:request_success_total\{[^}]*finished_reason="abort"\} 2/);
});

test('wrong requests get errors that name what is wrong', async (t) => {
  const sim = await startSim(t, { maxModelLen: 100 });
  const url = `${sim.url}/v1/chat/completions`;
  const cases: readonly (readonly [string | object, number, string, RegExp])[] = [
    ['{"model":', 400, 'BadRequestError', /not valid JSON/],
    ['[]', 400, 'BadRequestError', /must be a JSON object, not an array/],
    [chat('hi', { model: 'other' }), 404, 'NotFoundError', /`other` does not exist/],
    [{ model: MODEL, messages: [] }, 400, 'BadRequestError', /messages/],
    [chat(PROMPT.repeat(4)), 400, 'BadRequestError', /passed 198 input tokens .* only 100 tokens/],
    [chat('hi', { max_tokens: 99 }), 400, 'BadRequestError', /requested 99 output tokens/],
    [chat('hi', { max_tokens: 0 }), 400, 'BadRequestError', /max_tokens/],
    [chat('hi', { n: 'two' }), 400, 'BadRequestError', /n: must be an integer/],
    [chat('hi', { stream_options: {} }), 400, 'BadRequestError', /stream_options/],
  ];
  for (const [body, status, type, message] of cases) {
    const answer = await post(url, body);
    assert.equal(answer.status, status, answer.text);
    const { error } = answer.body;
    assert.deepEqual([error.type, error.code], [type, status], answer.text);
    assert.match(error.message, message);
  }
  assert.equal((await get(url)).status, 405);
  assert.equal((await get(`${sim.url}/v1/nothing`)).status, 404);
  assert.equal((await post(url, chat('hi'), { 'content-type': 'text/plain' })).status, 400);
  assert.equal((await post(`${sim.url}/sleep`, '')).status, 404);
});

test('utility routes answer as vLLM does', async (t) => {
  const sim = await startSim(t, { loraAdapters: ['a'], apiKey: 'secret' });
  const key = { authorization: 'Bearer secret' };
  for (const path of ['/health', '/ping', '/version', '/metrics']) {
    assert.equal((await get(sim.url + path)).status, 200, path);
  }
  const refused = await get(`${sim.url}/v1/models`);
  assert.deepEqual([refused.status, refused.body], [401, { error: 'Unauthorized' }]);
  const adapter = { lora_name: 'b', lora_path: '/b' };
  assert.equal((await post(`${sim.url}/v1/load_lora_adapter`, adapter, key)).status, 200);
  assert.equal((await post(`${sim.url}/v1/load_lora_adapter`, adapter, key)).status, 400);
  const { data } = (await get(`${sim.url}/v1/models`, key)).body;
  assert.deepEqual(
    data.map(({ id, parent, owned_by }: Record<string, string>) => [id, parent, owned_by]),
    [
      [MODEL, null, 'vllm'],
      ['a', MODEL, 'vllm'],
      ['b', MODEL, 'vllm'],
    ],
  );
  assert.equal(data[0].max_model_len, 131_072);
  assert.equal((await post(`${sim.url}/v1/unload_lora_adapter`, adapter, key)).status, 200);
  assert.equal((await post(`${sim.url}/v1/unload_lora_adapter`, adapter, key)).status, 404);

  const messages = [{ role: 'user', content: 'hi' }];
  const tokens = (await post(`${sim.url}/tokenize`, { model: MODEL, messages })).body;
  assert.deepEqual([tokens.count, tokens.max_model_len], [20, 131_072]);
  const text = (await post(`${sim.url}/detokenize`, { model: MODEL, tokens: tokens.tokens })).body;
  assert.equal(text.prompt, '<user>hi\n<assistant>');
  const render = `${sim.url}/v1/chat/completions/render`;
  assert.deepEqual((await post(render, { messages }, key)).body.token_ids, tokens.tokens);
  const list = (await post(`${sim.url}/v1/completions/render`, { prompt: ['a', 'b'] }, key)).body;
  assert.deepEqual(
    list.map(({ token_ids }: { token_ids: number[] }) => token_ids),
    [
      [256, 97],
      [256, 98],
    ],
  );
});

test('metrics tell load and cache in the names of vLLM, new and old', async (t) => {
  const sim = await startSim(t, {
    timing: 'qwen2.5-7b-h100',
    kvTokens: 1600,
    maxNumSeqs: 1,
    metricNames: 'both',
    blockSizeTokens: 32,
  });
  const url = `${sim.url}/v1/completions`;
  const prompt = PROMPT.repeat(4);
  const body = { model: MODEL, prompt, max_tokens: 50, ignore_eos: true };
  const answers = [post(url, body), post(url, body)];
  await waitFor('one to run and one to wait', () => {
    return sim.stats.runningRequests === 1 && sim.stats.waitingRequests === 1;
  });
  const busy = parseEngineMetrics((await get(`${sim.url}/metrics`)).text);
  assert.deepEqual([busy.runningRequests, busy.waitingRequests], [1, 1]);
  // 181 prompt tokens in blocks of 32, and up to 50 more.
  assert.ok(busy.kvCacheUsage >= 6 / 50 && busy.kvCacheUsage <= 8 / 50);
  assert.deepEqual(
    [busy.blockSizeTokens, busy.hashAlgorithm, busy.gpuBlocks, busy.prefixCaching, busy.sleeping],
    [32, 'sha256_cbor', 51, true, false],
  );
  await Promise.all(answers);
  const { text } = await get(`${sim.url}/metrics`);
  const labels = `{model_name="${MODEL}",engine="0"}`;
  // 181 tokens with the first one; the second request finds 5 blocks of 32.
  for (const line of [
    `vllm:prefix_cache_queries_total${labels} 362`,
    `vllm:prefix_cache_hits_total${labels} 160`,
    `vllm:gpu_prefix_cache_hits_total${labels} 160`,
    `vllm:generation_tokens_total${labels} 100`,
    `vllm:time_to_first_token_seconds_count${labels} 2`,
    `vllm:inter_token_latency_seconds_count${labels} 98`,
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  assert.ok(sim.stats.lag.callbacks > 100);
});

test('a sleeping engine says so, holds requests, and forgets its cache', async (t) => {
  const sim = await startSim(t, { devRoutes: true });
  const url = `${sim.url}/v1/completions`;
  const body = { model: MODEL, prompt: PROMPT.repeat(2), max_tokens: 1 };
  await post(url, body);
  assert.equal((await post(`${sim.url}/sleep?level=1`, '')).status, 200);
  assert.deepEqual((await get(`${sim.url}/is_sleeping`)).body, { is_sleeping: true });
  assert.equal(parseEngineMetrics((await get(`${sim.url}/metrics`)).text).sleeping, true);
  const held = post(url, body);
  await waitFor('the request to wait', () => sim.stats.waitingRequests === 1);
  await post(`${sim.url}/wake_up`, '');
  assert.equal((await held).body.usage.prompt_tokens_details.cached_tokens, 0);
});

test('faults of the server can be switched on and off', async (t) => {
  const sim = await startSim(t);
  const url = `${sim.url}/v1/chat/completions`;
  sim.faults.status = 503;
  const refused = await post(url, chat('hi'));
  assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1']);
  sim.faults.status = null;
  sim.faults.unhealthy = true;
  assert.equal((await get(`${sim.url}/health`)).status, 503);
  sim.faults.unhealthy = false;

  sim.faults.failAfterTokens = 3;
  await assert.rejects(post(url, chat('hi', { stream: true })));
  sim.faults.failure = 'error';
  const failed = eventsOf(await post(url, chat('hi', { stream: true })));
  assert.equal(failed.length, 1 + 3 + 2);
  assert.match(JSON.stringify(failed[4]), /"error":\{.*"code":500/);
  assert.equal(failed[5], '[DONE]');
  assert.equal((await post(url, chat('hi'))).status, 500);
  sim.faults.failAfterTokens = null;

  sim.refuseConnections();
  // The first attempt may meet a kept connection that breaks.
  await assert.rejects(post(url, chat('hi')));
  await assert.rejects(post(url, chat('hi')), { code: 'ECONNREFUSED' });
  await sim.listen();
  assert.equal((await post(url, chat('hi'))).status, 200);

  sim.faults.hang = true;
  const controller = new AbortController();
  const hanging = request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(chat('hi')),
    signal: controller.signal,
  });
  setTimeout(() => controller.abort(), 30);
  await assert.rejects(hanging, { name: 'AbortError' });
  assert.equal(sim.stats.runningRequests, 0);
});
