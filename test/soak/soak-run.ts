// A soak: many clients of every temper for a long time, engines killed and restarted at random.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { shippedTokenizer } from '../../src/sim/model-encoder.js';
import type { LoadEnd, LoadRecord } from '../support/load-call.js';
import { seededIntegers } from '../support/random.js';
import { type Random, type SoakLoad, startSoakLoad } from './soak-load.js';
import { type Footprint, SoakEngine, SoakRouter } from './soak-process.js';

export interface SoakOptions {
  readonly minutes: number;
  readonly streams: number;
  readonly engines: number;
  readonly seed: number;
  /** Whether memory is compared: everything that grows to a bound is brought there first. */
  readonly fills: boolean;
  readonly say: (line: string) => void;
}

export interface SoakReport {
  readonly counts: Readonly<Record<LoadEnd, number>>;
  readonly kills: number;
  /** Streams cut although their engine was not killed under them. */
  readonly cutForNothing: readonly LoadRecord[];
  readonly lost: readonly LoadRecord[];
  /** After a warm-up of the same load, at rest. */
  readonly before: Footprint;
  readonly after: Footprint;
  readonly exitCode: number | null;
}

const MODEL = 'Qwen/Qwen3-0.6B';
/** Until caches, pools and compiled code have the size that this load gives them. */
const WARM_UP_SHARE = 0.25;
const WARM_UP_MAX_MS = 120_000;
/** An engine that has served so long is known to the router: two polls that succeed bring it back. */
const SEASONED_MS = 4000;
/** Idle connections to engines are given up after 4 s, the server's own after 8 to 12 s. */
const REST_MAX_MS = 25_000;
const SAY_EVERY_MS = 15_000;
const MEASUREMENTS = 4;

export async function runSoak({
  minutes,
  streams,
  engines: count,
  seed,
  fills,
  say,
}: SoakOptions): Promise<SoakReport> {
  const random = seededIntegers(seed);
  const names = Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i));
  const engines = await Promise.all(names.map((name) => SoakEngine.start(name)));
  const router = await SoakRouter.start(MODEL, shippedTokenizer(), engines);
  try {
    if (fills) await router.fillCaches(MODEL, random);
    const totalMs = minutes * 60_000;
    const target = { url: router.url, model: MODEL, clients: streams };
    const phase = async (name: string, ms: number) => {
      say(`${name}: ${Math.round(ms / 1000)} s, ${streams} clients, ${count} engines`);
      const load = startSoakLoad(target, random);
      await disturb({ engines, router, load, random, say }, ms);
      await load.stop();
      await Promise.all(engines.filter(({ isDown }) => isDown).map((engine) => engine.start()));
      return { load, footprint: await atRest(router, fills ? MEASUREMENTS : 1, say) };
    };
    const warm = await phase('warm-up', Math.min(WARM_UP_MAX_MS, totalMs * WARM_UP_SHARE));
    const main = await phase('soak', totalMs);
    const failures = [...warm.load.failures, ...main.load.failures];
    return {
      counts: main.load.counts,
      kills: engines.reduce((sum, { killsMs }) => sum + killsMs.length, 0),
      cutForNothing: failures.filter((one) => one.end === 'cut' && !wasKilledUnder(one, engines)),
      lost: failures.filter(({ end }) => end === 'lost'),
      before: warm.footprint,
      after: main.footprint,
      exitCode: await router.stop(),
    };
  } finally {
    if (!router.hasEnded) await router.stop();
    await Promise.all(engines.map((engine) => engine.kill()));
  }
}

interface Scene {
  readonly engines: readonly SoakEngine[];
  readonly router: SoakRouter;
  readonly load: SoakLoad;
  readonly random: Random;
  readonly say: (line: string) => void;
}

/** Kills and restarts engines for so long; one that the router knows to be there is always left. */
async function disturb({ engines, router, load, random, say }: Scene, ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  const restarts: Promise<void>[] = [];
  let saidMs = performance.now();
  while (performance.now() < endMs && !router.hasEnded) {
    await delay(Math.min(500 + random(4000), Math.max(0, endMs - performance.now())));
    const victim = engines[random(engines.length)];
    const rest = engines.filter((engine) => engine !== victim && engine.upMs > SEASONED_MS);
    if (victim !== undefined && victim.upMs > 0 && rest.length > 0) {
      await victim.kill();
      const restart = delay(200 + random(5000)).then(() => victim.start());
      // Looked at below; until then a failure must not end the process and leave engines behind.
      restart.catch(() => {});
      restarts.push(restart);
    }
    if (performance.now() - saidMs < SAY_EVERY_MS) continue;
    saidMs = performance.now();
    const { files, sockets } = router.descriptors();
    say(`${JSON.stringify(load.counts)} files ${files} sockets ${sockets}`);
  }
  await Promise.all(restarts);
}

/** The router's footprint once nobody asks anything and its descriptors have stopped falling. */
async function atRest(
  router: SoakRouter,
  measurements: number,
  say: (line: string) => void,
): Promise<Footprint> {
  const endMs = performance.now() + REST_MAX_MS;
  let least = Number.POSITIVE_INFINITY;
  let leastMs = performance.now();
  // Longer than the router keeps an idle connection.
  while (performance.now() < endMs && performance.now() - leastMs < 6000) {
    const { files } = router.descriptors();
    if (files < least) {
      least = files;
      leastMs = performance.now();
    }
    await delay(100);
  }
  const footprint = await leastFootprint(router, measurements);
  say(`at rest: ${JSON.stringify(footprint)}`);
  return footprint;
}

/** V8 gives back what it has in reserve some time after it was collected, in steps. */
async function leastFootprint(router: SoakRouter, measurements: number): Promise<Footprint> {
  let least = await router.footprint();
  for (let i = 1; i < measurements; i++) {
    const next = await router.footprint();
    if (next.rssBytes < least.rssBytes) least = next;
  }
  return least;
}

function wasKilledUnder(
  { endpoint, startedMs, endedMs }: LoadRecord,
  engines: readonly SoakEngine[],
): boolean {
  const engine = engines.find(({ name }) => name === endpoint);
  return engine?.killsMs.some((ms) => ms >= startedMs && ms <= endedMs) === true;
}
