// Configurations in which every event is right and every conclusion wrong: the engines' own answers show it.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { post } from '../support/openai-client.js';
import { startRouter, TEST_MODEL, type TestEngine, type TestRouter } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';
import { TrustHistory } from '../support/trust-history.js';
import { waitFor } from '../support/wait-for.js';

const tokenizer = tinyTokenizerFolder({});

async function start(t: TestContext, swap: (one: TestEngine, other: TestEngine) => TestEngine) {
  const [a, b] = await startSims(t, 2, { hashSeed: '42' });
  assert.ok(a !== undefined && b !== undefined);
  const router = await startRouter(t, [swap(a, b), swap(b, a)], {}, { model: { tokenizer } });
  const { fleet } = router.assembly;
  await waitFor('subscriptions', () => fleet.all.every(({ events }) => events?.connected));
  return { router, trust: new TrustHistory(fleet) };
}

/** Prompts that are all new, each asked a second time once what it left has been heard of. */
async function askTwice({ url, assembly }: TestRouter, first: number, count: number) {
  const stored = () =>
    assembly.fleet.all.reduce((sum, { events }) => sum + (events?.counts.stored ?? 0), 0);
  const asks = Array.from({ length: count }, async (_, i) => {
    const prompt = Array.from({ length: 100 }, (_, token) => (first + i) * 1000 + token);
    const body = { model: TEST_MODEL, prompt, max_tokens: 1 };
    const before = stored();
    assert.equal((await post(`${url}/v1/completions`, body)).status, 200);
    await waitFor('events', () => stored() > before);
    assert.equal((await post(`${url}/v1/completions`, body)).status, 200);
  });
  await Promise.all(asks);
}

test('event addresses of two engines swapped: their answers take the trust away, and say where to look', async (t) => {
  const { router, trust } = await start(t, ({ url }, { kvEvents, kvReplay }) => {
    return { url, kvEvents: kvEvents ?? null, kvReplay: kvReplay ?? null };
  });
  const doubted = () =>
    router.assembly.fleet.all.every(({ trustReason }) =>
      /of \d+ predicted tokens were cached; are kvEvents and kvReplay/.test(trustReason),
    );
  for (let round = 0; round < 20 && !doubted(); round += 1) {
    await askTwice(router, round * 10, 10);
    // A mismatch is looked into half a second later.
    await waitFor('reviews', doubted, 600).catch(() => undefined);
  }
  assert.ok(doubted());
  assert.ok(trust.all('degraded'));
});

test('right addresses: no answer takes trust away', async (t) => {
  const { router, trust } = await start(t, (own) => own);
  await askTwice(router, 0, 60);
  await waitFor('exact trust', () => trust.all('exact'));
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.ok(trust.all('exact'));
});
