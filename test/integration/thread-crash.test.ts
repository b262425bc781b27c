// Threads of the router are killed while it works: requests go on, the threads come back, and what they
// knew comes back with them. Real HTTP, real ZMQ, engines with a real block pool.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { get, post } from '../support/openai-client.js';
import { PoolWatch } from '../support/pool-watch.js';
import { startRouter, TEST_MODEL } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';
import { waitFor } from '../support/wait-for.js';
import { watchWorkers } from '../support/worker-list.js';

const tokenizer = tinyTokenizerFolder({});

async function stage(context: TestContext, extra: Record<string, unknown> = {}) {
  const workers = watchWorkers(context);
  const sims = await startSims(context, 2, { model: TEST_MODEL, hashSeed: '42' });
  const router = await startRouter(context, sims, extra, { model: { tokenizer } });
  const [eventWorker, ...poolWorkers] = workers;
  assert.ok(eventWorker !== undefined && poolWorkers.length > 0);
  const metric = async (line: string) => {
    const { text } = await get(`${router.adminUrl}/metrics`);
    return Number(new RegExp(`^${line} (\\S+)$`, 'm').exec(text)?.[1]);
  };
  const readiness = async () => {
    const { status, text } = await get(`${router.adminUrl}/readyz`);
    return `${status} ${text.trim()}`;
  };
  // More than is matched on the main thread, and new each time.
  const ask = () => {
    const prompt = Array.from(randomBytes(20_000), (byte) => 'abc '[byte % 4]).join('');
    return post(`${router.url}/v1/completions`, { model: TEST_MODEL, prompt, max_tokens: 2 });
  };
  const recovered = () => waitFor('readiness', async () => (await readiness()) === '200 ok');
  const watch = new PoolWatch(router.assembly, sims);
  return {
    ...{ router, workers, eventWorker, poolWorkers, metric, readiness, ask, recovered },
    watch,
  };
}

/** A command that no router sends is a fault in the middle of the thread's work. It is not terminated:
 * zeromq ends the process when its callbacks are not let back into JavaScript. */
async function crashed(worker: Worker): Promise<void> {
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  worker.postMessage(null);
  await ended;
}

const killed = (workers: readonly Worker[]) =>
  Promise.all(workers.map((worker) => worker.terminate()));

test('requests go on by load while the tokenizer threads are dead, and exactly once they are back', async (context) => {
  const { ask, metric, poolWorkers, readiness, recovered, router, workers } = await stage(context, {
    tokenizer: { threads: 2 },
  });
  const trustOf = (answer: Awaited<ReturnType<typeof ask>>) => answer.headers['x-warmpath-trust'];
  await ask();
  await waitFor('trust', async () => {
    const { body } = await get(`${router.adminUrl}/endpoints`);
    return body.some(({ trust }: { trust: string }) => trust === 'exact');
  });
  const under = Array.from({ length: 20 }, ask);
  await killed(poolWorkers);
  assert.match(await readiness(), /^503 recovering\n0 of 2 tokenizer threads$/);
  const after = await Promise.all([...under, ask(), ask()]);
  assert.deepEqual(new Set(after.map(({ status }) => status)), new Set([200]));
  assert.ok(after.some((answer) => trustOf(answer) === 'none'));
  await recovered();
  assert.equal(await metric('warmpath_thread_deaths_total{thread="tokenizer"}'), 2);
  assert.equal(await metric('warmpath_threads_ready{thread="tokenizer"}'), 2);
  assert.equal(workers.length, 3);
  const answer = await ask();
  assert.equal(answer.status, 200);
  assert.ok(Number(answer.headers['x-warmpath-prompt-tokens']) > 1000, 'it was tokenized');
});

test('the event thread comes back, forgets, and learns every block anew', async (context) => {
  const { ask, eventWorker, metric, readiness, recovered, router, watch } = await stage(context);
  for (let i = 0; i < 6; i++) assert.equal((await ask()).status, 200);
  const isEqual = () => {
    const { phantom, missing } = watch.compare();
    return phantom + missing === 0;
  };
  await waitFor('all blocks', isEqual);
  const { body: before } = await get(`${router.adminUrl}/index`);
  assert.ok(before.blocks > 1000, JSON.stringify(before));
  const under = Array.from({ length: 5 }, ask);
  await crashed(eventWorker);
  assert.match(await readiness(), /^503 recovering\n0 of 1 event threads$/);
  const { body: endpoints } = await get(`${router.adminUrl}/endpoints`);
  assert.match(endpoints[0].trustReason, /the event thread died/);
  const answers = await Promise.all([...under, ask()]);
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  await recovered();
  await waitFor('all blocks', isEqual);
  assert.equal(await metric('warmpath_thread_deaths_total{thread="event"}'), 1);
  // It is heard as before.
  assert.equal((await ask()).status, 200);
  await waitFor('the new blocks', isEqual);
});

test('an endpoint that leaves while the event thread is dead is forgotten', async (context) => {
  const { ask, eventWorker, router, watch } = await stage(context);
  for (let i = 0; i < 6; i++) await ask();
  await waitFor('all blocks', () => watch.compare().missing === 0);
  await crashed(eventWorker);
  const { fleet, index } = router.assembly;
  const slots = fleet.all.map(({ endpoint }) => endpoint.slot);
  fleet.setEndpoints(TEST_MODEL, []);
  await waitFor('nothing left', () => slots.every((slot) => index.blocksOf(slot, 0) === 0));
  await waitFor('the thread', async () => {
    const { text } = await get(`${router.adminUrl}/metrics`);
    return text.includes('warmpath_threads_ready{thread="event"} 1');
  });
});
