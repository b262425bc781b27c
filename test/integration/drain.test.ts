// `warmpath serve` stops in order: nothing new, what is in flight ends, exit code 0.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import { get, post } from '../support/openai-client.js';
import { QUICK_TOKENIZER, TEST_MODEL } from '../support/router.js';
import { type RouterProcess, serveProcess } from '../support/router-process.js';
import { startSim } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const CHAT = '/v1/chat/completions';

async function served(
  context: TestContext,
  drainMs: number,
): Promise<RouterProcess & { sim: SimEngine; url: string }> {
  // 12 ms a token: an answer of 60 tokens takes most of a second.
  const sim = await startSim(context, { model: TEST_MODEL, timing: 'llm-d-8b-h100' });
  const router = serveProcess(
    context,
    JSON.stringify({
      listen: { host: '127.0.0.1', port: 0, adminHost: '127.0.0.1', adminPort: 0 },
      models: [
        { name: TEST_MODEL, ...QUICK_TOKENIZER.model, endpoints: { static: [{ url: sim.url }] } },
      ],
      timeouts: { drainMs },
    }),
  );
  return { ...router, sim, url: await router.ready };
}

const chat = (stream: boolean, maxTokens = 60) => ({
  ...{ model: TEST_MODEL, max_tokens: maxTokens, ignore_eos: true, stream },
  messages: [{ role: 'user', content: 'a b c' }],
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`on ${signal} requests in flight end, new ones are refused, and the exit code is 0`, async (context) => {
    const { sim, url, child, ended } = await served(context, 30_000);
    const stream = post(`${url}${CHAT}`, chat(true));
    const whole = post(`${url}${CHAT}`, chat(false));
    await waitFor('both requests', () => sim.stats.runningRequests === 2);
    child.kill(signal);
    let refused = false;
    while (!refused && sim.stats.runningRequests > 0) {
      refused = await get(`${url}/version`).then(
        () => false,
        () => true,
      );
    }
    assert.ok(refused, 'new connections are refused while requests are in flight');
    const [streamed, answered] = await Promise.all([stream, whole]);
    assert.match(streamed.text, /data: \[DONE\]\n\n$/);
    assert.equal(answered.body.choices[0].finish_reason, 'length');
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `ready ${url}\n`);
  });
}

test('a stream that outlasts the grace period is cut with an error, and the exit code is 0', async (context) => {
  const { sim, url, child, ended } = await served(context, 300);
  const stream = post(`${url}${CHAT}`, chat(true, 10_000)).then(
    ({ text }) => text,
    (error: Error) => error.message,
  );
  await waitFor('the request', () => sim.stats.runningRequests === 1);
  child.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /requests cut at the end of the drain/);
  assert.match(await stream, /data: \{"error":\{"message":"the router is shutting down"/);
  await waitFor('the end of the engine’s request', () => sim.stats.runningRequests === 0);
});
