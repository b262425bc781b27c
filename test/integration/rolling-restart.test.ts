// Every engine and the router are restarted one after another, under load.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent } from 'undici';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import { callForLoad, type LoadRecord } from '../support/load-call.js';
import { runSeed, seededIntegers } from '../support/random.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { type RouterProcess, serveProcess } from '../support/router-process.js';
import { startSims } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const GRACE_MS = 2500;
/** 12 ms a token: the longest answer takes a quarter of a second. */
const TIMING = 'llm-d-8b-h100';
const CALLERS = 24;

interface Load {
  /** Where callers ask; may change at any time. */
  urls: readonly string[];
  readonly records: readonly LoadRecord[];
  stop(): Promise<void>;
}

/** Callers that ask again as soon as they are answered, each on a kept connection. */
function startLoad(urls: readonly string[], seed: number): Load {
  const random = seededIntegers(seed);
  const agent = new Agent({ connections: CALLERS });
  const records: LoadRecord[] = [];
  let stopped = false;
  const load = {
    ...{ urls, records },
    async stop() {
      stopped = true;
      await Promise.all(running);
      await agent.close();
    },
  };
  const running = Array.from({ length: CALLERS }, async () => {
    while (!stopped) {
      const body = newBody(random);
      records.push(await callForLoad({ urls: load.urls, agent, body }));
      await delay(random(20));
    }
  });
  return load;
}

function newBody(random: (bound: number) => number) {
  return {
    ...{ model: TEST_MODEL, stream: random(2) === 0, max_tokens: 1 + random(20) },
    messages: [{ role: 'user', content: `a b c ${random(1000)}` }],
  };
}

const serve = (context: TestContext, sims: readonly SimEngine[]): RouterProcess =>
  serveProcess(
    context,
    JSON.stringify({
      listen: { host: '127.0.0.1', port: 0, adminHost: '127.0.0.1', adminPort: 0 },
      models: [
        {
          name: TEST_MODEL,
          ...QUICK_TOKENIZER.model,
          endpoints: { static: sims.map(({ url }) => ({ url })) },
        },
      ],
      timeouts: { drainMs: GRACE_MS },
    }),
  );

/** More calls have been answered than when this was asked. */
async function goesOn({ records }: Load): Promise<void> {
  const before = records.length;
  await waitFor('the load to go on', () => records.length > before + CALLERS);
}

function assertAllWhole({ records }: Load): void {
  const failed = records.filter(({ end }) => end !== 'whole');
  assert.deepEqual(failed.slice(0, 5), [], `${failed.length} of ${records.length} calls`);
}

test('engines and routers restart one after another and no call fails', async (context) => {
  const seed = runSeed;
  context.diagnostic(`seed ${seed}`);
  const sims = await startSims(context, 3, { model: TEST_MODEL, timing: TIMING });
  const router = serve(context, sims);
  const load = startLoad([await router.ready], seed);
  await goesOn(load);
  for (const sim of sims) {
    await sim.stop(GRACE_MS);
    await goesOn(load);
    await sim.listen();
    await goesOn(load);
  }
  const next = serve(context, sims);
  const url = await next.ready;
  // Answers end by themselves unless told not to.
  const endless = { stream: true, max_tokens: 10_000, ignore_eos: true };
  const body = { ...newBody(seededIntegers(seed)), ...endless };
  const agent = new Agent();
  const long = callForLoad({ urls: load.urls, agent, body });
  await goesOn(load);
  // Those who balance learn of it only when they are refused.
  load.urls = [...load.urls, url];
  const stoppedMs = performance.now();
  router.child.kill('SIGTERM');
  const { code, stderr } = await router.ended;
  assert.equal(code, 0, stderr);
  load.urls = [url];
  await goesOn(load);
  await load.stop();
  await agent.close();
  context.diagnostic(`${load.records.length} calls`);
  assertAllWhole(load);
  const { end, detail, endedMs } = await long;
  assert.equal(end, 'cut');
  assert.match(detail, /data: \{"error":\{"message":"the router is shutting down"/);
  assert.ok(endedMs - stoppedMs >= GRACE_MS, `cut after ${endedMs - stoppedMs} ms`);
});

test('engines that are killed cost only the streams that had begun', async (context) => {
  const seed = runSeed;
  context.diagnostic(`seed ${seed}`);
  const sims = await startSims(context, 3, { model: TEST_MODEL, timing: TIMING });
  const monitor = { metricsIntervalMs: 50, healthIntervalMs: 50, modelsIntervalMs: 50 };
  const { url, assembly } = await startRouter(context, sims, { monitor }, QUICK_TOKENIZER);
  const load = startLoad([url], seed);
  for (const sim of sims) {
    await goesOn(load);
    sim.refuseConnections();
    sim.restart();
    await goesOn(load);
    await sim.listen();
    await waitFor('all engines', () => assembly.fleet.available(null).length === sims.length);
  }
  await load.stop();
  const cut = load.records.filter(({ end }) => end === 'cut');
  context.diagnostic(`${load.records.length} calls, ${cut.length} cut`);
  for (const { streamed, detail } of cut) {
    assert.ok(streamed);
    assert.match(detail, /data: \{"error":\{"message":"engine .* closed the connection/);
  }
  assertAllWhole({ ...load, records: load.records.filter((one) => !cut.includes(one)) });
});
