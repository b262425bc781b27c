// Engines without events: the router matches from what it has sent where, and says that it estimates.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { SimOptions } from '../../src/sim/sim-options.js';
import { get, post } from '../support/openai-client.js';
import { startRouter, TEST_MODEL } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';
import { waitFor } from '../support/wait-for.js';

const SIM: Partial<SimOptions> = { model: TEST_MODEL, devRoutes: true, kvEvents: null };
const model = { tokenizer: tinyTokenizerFolder({}) };

async function stage(t: TestContext, sim: Partial<SimOptions> = SIM) {
  const sims = await startSims(t, 3, sim);
  const router = await startRouter(t, sims, { devRoutes: true }, { model });
  const complete = async (prefix: number, tail: number) => {
    const prompt = [...Array.from({ length: 320 }, (_, i) => prefix * 1000 + i), tail, tail + 1];
    const answer = await post(`${router.url}/v1/completions`, {
      model: TEST_MODEL,
      prompt,
      max_tokens: 2,
    });
    assert.equal(answer.status, 200, answer.text);
    return {
      endpoint: answer.headers['x-warmpath-endpoint'],
      trust: answer.headers['x-warmpath-trust'],
      matched: Number(answer.headers['x-warmpath-matched-tokens']),
      cached: answer.body.usage.prompt_tokens_details.cached_tokens,
    };
  };
  return { ...router, sims, complete };
}

test('requests of one prefix stay together, and the estimate is what the engines report', async (t) => {
  const { complete, assembly } = await stage(t);
  await waitFor('estimated trust', () =>
    assembly.fleet.all.every((live) => live.trust === 'estimated'),
  );
  const homes = new Map<number, unknown>();
  for (let round = 0; round < 4; round += 1) {
    for (let prefix = 0; prefix < 9; prefix += 1) {
      const answer = await complete(prefix, round * 7);
      assert.equal(answer.trust, 'estimated');
      assert.equal(answer.matched, answer.cached);
      if (round === 0) homes.set(prefix, answer.endpoint);
      else assert.deepEqual([answer.endpoint, answer.matched], [homes.get(prefix), 320]);
    }
  }
  assert.ok(new Set(homes.values()).size > 1, 'all prefixes went to one engine');
});

test('a reset through the router, or an engine that is gone, ends the estimate', async (t) => {
  const { complete, url, sims, assembly } = await stage(t);
  const first = await complete(1, 1);
  assert.equal((await complete(1, 2)).matched, 320);
  await post(`${url}/reset_prefix_cache`, {});
  const afterReset = await complete(1, 3);
  assert.deepEqual([afterReset.matched, afterReset.cached], [0, 0]);
  const home = (await complete(1, 4)).endpoint;
  const position = assembly.fleet.all.findIndex((live) => live.endpoint.name === home);
  const sim = sims[position];
  assert.ok(sim !== undefined && first.endpoint !== undefined);
  sim.refuseConnections();
  await waitFor('the endpoint is out', () => assembly.fleet.all[position]?.available === false);
  sim.restart();
  await sim.listen();
  await waitFor('the endpoint is back', () => assembly.fleet.all[position]?.available === true);
  for (let tail = 5; tail < 12; tail += 1) {
    const answer = await complete(1, tail);
    assert.equal(answer.matched, answer.cached);
  }
});

test('an engine that publishes nothing although it should is found out, and recovers', async (t) => {
  const { complete, adminUrl, sims, assembly } = await stage(t, { model: TEST_MODEL });
  for (const { eventFaults } of sims) {
    if (eventFaults !== null) Object.assign(eventFaults, { silent: true, replaySilent: true });
  }
  const [first] = [await complete(1, 1)];
  assert.equal(first.matched, 0);
  const home = assembly.fleet.all.find((live) => live.endpoint.name === first.endpoint);
  await waitFor('the estimate', () => home?.trust === 'estimated');
  const second = await complete(1, 2);
  assert.deepEqual([second.endpoint, second.matched, second.cached], [first.endpoint, 320, 320]);
  const described = (await get(`${adminUrl}/endpoints`)).body.find(
    (one: { name: string }) => one.name === first.endpoint,
  );
  assert.match(described.trustReason, /no event shows/);
  for (const { eventFaults } of sims) {
    if (eventFaults !== null) Object.assign(eventFaults, { silent: false, replaySilent: false });
  }
  await complete(9, 1);
  await waitFor('exact trust of one', () =>
    assembly.fleet.all.some((live) => live.trust === 'exact'),
  );
});
