// What the events of the simulated engine tell of its cache, over real ZMQ.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventListener } from '../support/event-listener.js';
import { get, post } from '../support/openai-client.js';
import { startSim } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const MODEL = 'Qwen/Qwen3-0.6B';
const PROMPT = 'The quick brown fox jumps over the lazy dog. ';

test('events tell block by block what the cache holds, through eviction and reset', async (t) => {
  const sim = await startSim(t, {
    kvTokens: 40 * 16,
    devRoutes: true,
    topic: 'kv@sim@model',
    hashSeed: '42',
  });
  const listener = await EventListener.subscribe(t, sim);
  for (let i = 0; i < 12; i += 1) {
    await post(`${sim.url}/v1/completions`, {
      model: MODEL,
      prompt: `${i % 5} ${PROMPT.repeat(5)}`,
      max_tokens: 40,
      ignore_eos: true,
    });
  }
  await listener.untilHeldEquals(sim);
  assert.ok(listener.held.size > 30);
  const events = listener.batches.flatMap((batch) => batch.events);
  assert.ok(events.some(({ type }) => type === 'BlockRemoved'));
  assert.deepEqual([...listener.topics], ['kv@sim@model']);
  assert.deepEqual(
    listener.sequences,
    listener.sequences.map((_, i) => BigInt(i)),
  );
  assert.deepEqual((await post(`${sim.url}/reset_prefix_cache`, '')).body, { success: true });
  // An idle engine sends nothing: the next step brings it.
  assert.ok(listener.held.size > 30);
  await post(`${sim.url}/v1/completions`, { model: MODEL, prompt: 'short', max_tokens: 1 });
  await listener.untilHeldEquals(sim);
  assert.ok(listener.batches.at(-1)?.events.some(({ type }) => type === 'AllBlocksCleared'));
});

test('events carry adapter, salt and digests where they are asked for', async (t) => {
  const sim = await startSim(t, { hashesAsBytes: true, loraAdapters: ['tuned'], kvTokens: 640 });
  const listener = await EventListener.subscribe(t, sim);
  const prompt = PROMPT.repeat(4);
  for (const more of [{ cache_salt: 's' }, {}, {}]) {
    await post(`${sim.url}/v1/completions`, { model: 'tuned', prompt, max_tokens: 1, ...more });
  }
  await post(`${sim.url}/v1/completions`, {
    model: MODEL,
    prompt: PROMPT.repeat(13),
    max_tokens: 1,
  });
  await listener.untilHeldEquals(sim);
  const stored = listener.batches.flatMap(({ events }) => events);
  const [first] = stored;
  assert.ok(first?.type === 'BlockStored');
  assert.deepEqual([first.loraName, first.loraId, first.medium], ['tuned', 1, 'GPU']);
  assert.deepEqual(first.extraKeys?.slice(0, 2), [['tuned', 's'], ['tuned']]);
  assert.equal(first.digests?.[0]?.length, 32);
  assert.equal(first.kvCacheSpecKind, 'full_attention');
  assert.ok(stored.some((event) => event.type === 'BlockRemoved' && event.digests !== null));
});

test('a restart empties the cache, breaks requests and numbers events from 0', async (t) => {
  const sim = await startSim(t, { timing: 'qwen2.5-7b-h100' });
  const listener = await EventListener.subscribe(t, sim);
  const url = `${sim.url}/v1/completions`;
  await post(url, { model: MODEL, prompt: PROMPT.repeat(4), max_tokens: 1 });
  await waitFor('a batch', () => listener.sequences.length === 1);
  const hanging = assert.rejects(
    post(url, { model: MODEL, prompt: PROMPT, max_tokens: 1000, ignore_eos: true }),
  );
  await waitFor('the request to run', () => sim.stats.runningRequests === 1);
  sim.restart();
  await hanging;
  assert.deepEqual([sim.blockHashes().size, sim.stats.runningRequests], [0, 0]);
  const before = listener.sequences.length;
  await post(url, { model: MODEL, prompt: PROMPT.repeat(4), max_tokens: 1 });
  await waitFor('a batch', () => listener.sequences.length > before);
  assert.equal(listener.sequences[before], 0n);
});

test('data-parallel ranks have a cache, events and metrics each, and can be named', async (t) => {
  const sim = await startSim(t, { dataParallelSize: 2 });
  const [first, second] = sim.ranks;
  assert.ok(second);
  assert.notEqual(first.kvEvents, second.kvEvents);
  const listener = await EventListener.subscribe(t, second);
  const ask = (rank: string) =>
    post(
      `${sim.url}/v1/completions`,
      { model: MODEL, prompt: PROMPT.repeat(2), max_tokens: 1 },
      { 'x-data-parallel-rank': rank },
    );
  await ask('1');
  await listener.untilHeldEquals(second);
  assert.ok(listener.held.size > 0);
  assert.equal(listener.batches[0]?.dataParallelRank, 1);
  assert.equal(first.blockHashes().size, 0);
  assert.equal((await ask('0')).body.usage.prompt_tokens_details.cached_tokens, 0);
  assert.equal((await ask('1')).body.usage.prompt_tokens_details.cached_tokens, 80);
  assert.equal((await ask('not a number')).status, 200);
  const { text } = await get(`${sim.url}/metrics`);
  for (const rank of [0, 1]) {
    assert.ok(text.includes(`vllm:num_requests_running{model_name="${MODEL}",engine="${rank}"} 0`));
  }
});
