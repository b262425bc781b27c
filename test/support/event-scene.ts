// A router before engines that evict, for tests of what faults of the event stream leave behind.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type SimEngine, startSimEngine } from '../../src/sim/sim-engine.js';
import type { SimOptions } from '../../src/sim/sim-options.js';
import { byteEncoder } from './byte-encoder.js';
import { post } from './openai-client.js';
import { type PoolDifference, PoolWatch } from './pool-watch.js';
import { runSeed, seededRandom } from './random.js';
import { startRouter, TEST_MODEL, type TestRouter } from './router.js';
import { startSims } from './sim-engine.js';
import { tinyTokenizerFolder } from './tiny-tokenizer.js';
import { TrustHistory } from './trust-history.js';
import { waitFor } from './wait-for.js';

const BLOCK = 16;
/** Small caches, so that most requests evict. */
const POOL_BLOCKS = 120;
/** What the issue allows for any recovery. */
const RECOVERY_MS = 2000;

export const SIM: Partial<SimOptions> = {
  model: TEST_MODEL,
  hashSeed: '42',
  kvTokens: POOL_BLOCKS * BLOCK,
  timing: 'canned',
  devRoutes: true,
};

const tokenizer = tinyTokenizerFolder({});

export interface Scene {
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

export async function stage(
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
  await connected(router);
  await load(40);
  await waitFor('exact trust', () => trust.all('exact'));
  await complete();
  return { router, sims, watch, trust, load, recovered, complete };
}

/** Waits until every publisher is subscribed to: what it tells before is lost where there is no replay. */
export function connected({ assembly }: TestRouter): Promise<void> {
  return waitFor('subscriptions', () =>
    assembly.fleet.all.every(({ events }) => events?.connected),
  );
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

/** The process dies, and another one answers at its addresses. */
export async function startAgain(t: TestContext, victim: SimEngine): Promise<SimEngine> {
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
