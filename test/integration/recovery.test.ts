// Whatever happens to the event stream, the router soon credits no endpoint with a block that its
// engine does not hold: real HTTP, real ZMQ, engines with a real block pool that evicts.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type SimEngine, startSimEngine } from '../../src/sim/sim-engine.js';
import type { SimOptions } from '../../src/sim/sim-options.js';
import { byteEncoder } from '../support/byte-encoder.js';
import { post } from '../support/openai-client.js';
import { type PoolDifference, PoolWatch } from '../support/pool-watch.js';
import { runSeed, seededRandom } from '../support/random.js';
import { startRouter, TEST_MODEL, type TestRouter } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';
import { TrustHistory } from '../support/trust-history.js';
import { waitFor } from '../support/wait-for.js';

const BLOCK = 16;
/** Small caches, so that most requests evict. */
const POOL_BLOCKS = 120;
/** What the issue allows for any recovery. */
const RECOVERY_MS = 2000;

const SIM: Partial<SimOptions> = {
  model: TEST_MODEL,
  hashSeed: '42',
  kvTokens: POOL_BLOCKS * BLOCK,
  timing: 'canned',
  devRoutes: true,
};

const tokenizer = tinyTokenizerFolder({});

interface Scene {
  readonly router: TestRouter;
  readonly sims: SimEngine[];
  readonly watch: PoolWatch;
  readonly trust: TrustHistory;
  /** Sends requests, some at a time, and ends when all are answered. */
  readonly load: (requests: number) => Promise<void>;
  /** Waits until the router credits nothing that is not there. */
  readonly recovered: () => Promise<void>;
  /** Waits until it knows everything that is there as well. */
  readonly complete: () => Promise<void>;
}

async function stage(
  t: TestContext,
  engines: number,
  options: { readonly sim?: Partial<SimOptions>; readonly endpoint?: Record<string, unknown> } = {},
): Promise<Scene> {
  const sims = await startSims(t, engines, { ...SIM, ...options.sim });
  const router = await startRouter(
    t,
    sims,
    {},
    { model: { tokenizer }, endpoint: options.endpoint ?? {} },
  );
  const watch = new PoolWatch(router.assembly, sims);
  const trust = new TrustHistory(router.assembly.fleet);
  const random = seededRandom(runSeed);
  t.diagnostic(`seed ${runSeed}`);
  const load = (requests: number) => sendRequests(router.url, requests, random, watch);
  const recovered = () => {
    return waitFor('no phantom block', () => watch.compare().phantom === 0, RECOVERY_MS);
  };
  const complete = () => {
    const isEqual = ({ phantom, missing }: PoolDifference) => phantom + missing === 0;
    return waitFor('equal pools', () => isEqual(watch.compare()), RECOVERY_MS);
  };
  await load(40);
  await waitFor('exact trust', () => trust.all('exact'));
  await complete();
  return { router, sims, watch, trust, load, recovered, complete };
}

async function sendRequests(
  url: string,
  requests: number,
  random: () => number,
  watch: PoolWatch,
): Promise<void> {
  let left = requests;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      const prefix = Math.floor(random() * 12);
      const tail = Math.floor(random() * 1e6);
      const shared = Array.from({ length: 5 * BLOCK }, (_, i) => prefix * 1000 + i);
      const own = Array.from({ length: BLOCK + Math.floor(random() * 40) }, (_, i) => tail + i);
      const answer = await post(`${url}/v1/completions`, {
        model: TEST_MODEL,
        prompt: [...shared, ...own],
        max_tokens: 20,
      });
      // An engine that dies takes its requests along.
      assert.ok([200, 502, 503].includes(answer.status), answer.text);
      watch.sample();
    }
  };
  await Promise.all(Array.from({ length: 4 }, client));
}

test('an engine killed and started again at the same addresses starts from nothing', async (t) => {
  const { sims, watch, trust, load, recovered, complete } = await stage(t, 2);
  const [victim] = sims;
  assert.ok(victim !== undefined);
  trust.forget();
  const reborn = await startAgain(t, victim);
  watch.replace('a', reborn);
  assert.ok(watch.compare().phantom > 0 || reborn.blockHashes().size === 0);
  await recovered();
  await waitFor('doubt about the engine', () => trust.went('a', 'degraded'));
  await waitFor('the endpoint is back', () => trust.available('a'));
  await load(40);
  await complete();
  await waitFor('exact again', () => trust.all('exact'));
  assert.ok(!trust.went('b', 'degraded'));
});

async function startAgain(t: TestContext, victim: SimEngine): Promise<SimEngine> {
  const bound = (address: string | null) => `tcp://*:${address?.split(':').at(-1)}`;
  victim.close();
  for (;;) {
    try {
      const reborn = await startSimEngine({
        ...SIM,
        encoder: byteEncoder,
        port: Number(new URL(victim.url).port),
        kvEvents: bound(victim.kvEvents),
        kvReplay: bound(victim.kvReplay),
      });
      t.after(() => reborn.close());
      return reborn;
    } catch {
      // The sockets of the old process close a little later than it ends.
      await delay(10);
    }
  }
}

test('an engine that restarts between two batches, on the same connection, starts from nothing', async (t) => {
  const { sims, trust, load, complete } = await stage(t, 2);
  for (let restart = 0; restart < 3; restart += 1) {
    trust.forget();
    sims[0]?.restart();
    await load(30);
    await complete();
    await waitFor('doubt about the engine', () => trust.went('a', 'degraded'));
    await waitFor('exact again', () => trust.all('exact'));
  }
});

for (const fault of ['plain', 'replayTwice', 'replayReversed'] as const) {
  test(`1 % of the messages lost: the replay brings them all (${fault})`, async (t) => {
    const { router, sims, trust, load, recovered, complete } = await stage(t, 2);
    const random = seededRandom(runSeed);
    for (const { eventFaults } of sims) {
      if (eventFaults === null) continue;
      Object.assign(eventFaults, { dropShare: 0.01, random });
      if (fault !== 'plain') eventFaults[fault] = true;
    }
    trust.forget();
    await load(400);
    const gaps = () => {
      return router.assembly.fleet.all.reduce(
        (sum, { events }) => sum + (events?.counts.gaps ?? 0),
        0,
      );
    };
    await recovered();
    await complete();
    assert.ok(gaps() > 0, 'no message was lost');
    assert.ok(trust.went('a', 'degraded') || trust.went('b', 'degraded'));
    await waitFor('exact again', () => trust.all('exact'));
  });
}

test('1 % of the messages lost and no replay: what may be wrong is forgotten', async (t) => {
  const { sims, load, recovered } = await stage(t, 2, { endpoint: { kvReplay: null } });
  const random = seededRandom(runSeed);
  for (const { eventFaults } of sims) {
    if (eventFaults !== null) Object.assign(eventFaults, { dropShare: 0.01, random });
  }
  await load(400);
  for (const { eventFaults } of sims) {
    if (eventFaults !== null) eventFaults.dropShare = 0;
  }
  await load(8);
  await recovered();
});

test('the last message before an engine falls silent is missed as well', async (t) => {
  const { sims, load, complete } = await stage(t, 1);
  const [sim] = sims;
  assert.ok(sim?.eventFaults);
  sim.eventFaults.dropShare = 1;
  await load(4);
  sim.eventFaults.dropShare = 0;
  await complete();
});

test('messages of an endpoint that was removed change nothing, even for its successor', async (t) => {
  const { router, sims, watch, load, complete } = await stage(t, 2);
  const { fleet, index } = router.assembly;
  const [first] = sims;
  assert.ok(first?.eventFaults);
  const slot = fleet.all.find(({ endpoint }) => endpoint.name === 'a')?.endpoint.slot ?? -1;
  first.eventFaults.delayMs = 150;
  await load(30);
  fleet.remove('a');
  const [next] = await startSims(t, 1, SIM);
  assert.ok(next !== undefined);
  await waitFor('the free slot', () => index.blocksOf(slot, 0) === 0);
  const { url, kvEvents, kvReplay } = next;
  fleet.add({ name: 'c', url, model: TEST_MODEL, kvEvents, kvReplay, dataParallelRank: null });
  watch.replace('c', next);
  // The old engine still tells what it did before, and does more.
  await load(30);
  await delay(300);
  assert.equal(watch.compare().phantom, 0);
  await complete();
  const reused = fleet.all.find(({ endpoint }) => endpoint.name === 'c')?.endpoint.slot;
  assert.equal(reused, slot);
});

test('garbage on the event socket neither stops the stream nor leaves a phantom', async (t) => {
  const { sims, trust, load, recovered, complete, router } = await stage(t, 2);
  const [sim] = sims;
  assert.ok(sim !== undefined);
  const sending = load(60);
  for (let i = 0; i < 3000; i += 1) {
    sim.sendEventFrames(garbage(i));
    if (i % 100 === 0) await delay(1);
  }
  await sending;
  await recovered();
  // The engine's next own batch shows where its numbers are.
  await post(`${sim.url}/v1/completions`, { model: TEST_MODEL, prompt: [7, 8, 9], max_tokens: 40 });
  await complete();
  await waitFor('exact again', () => trust.all('exact'));
  const state = router.assembly.fleet.all.find(({ endpoint }) => endpoint.name === 'a')?.events;
  assert.ok((state?.counts.malformed ?? 0) > 0);
});

/** Wrong frame counts, wrong sequence frames, far sequence numbers, payloads of any bytes. */
function garbage(i: number): Buffer[] {
  const far = Buffer.alloc(8);
  far.writeBigInt64BE(BigInt(i) * 1_000_003n);
  const bytes = randomBytes(i % 400);
  switch (i % 6) {
    case 0:
      return [bytes];
    case 1:
      return [Buffer.alloc(0), randomBytes(i % 16), bytes];
    case 2:
      return [Buffer.alloc(0), bytes, bytes, bytes];
    case 3:
      return [Buffer.alloc(0), far, bytes];
    case 4:
      return [Buffer.alloc(0), randomBytes(8), bytes];
    default:
      // A batch in form, with events that are none.
      return [
        Buffer.alloc(0),
        far,
        Buffer.from([0x93, 0xcb, ...randomBytes(8), 0x92, 0xc0, 0x01, 0x00]),
      ];
  }
}

test('a cache reset at the engine is taken over with its next batch', async (t) => {
  const { sims, watch, load, recovered, complete } = await stage(t, 2);
  const [sim] = sims;
  const answer = await post(`${sim?.url}/reset_prefix_cache`, {});
  assert.deepEqual(answer.body, { success: true });
  assert.ok(watch.compare().phantom > 0);
  await load(30);
  await recovered();
  await complete();
});
