// The same small workload in virtual time and on the wall's clock: virtual engines and a virtual router
// against simulated servers behind the router as `serve` assembles it, over HTTP and ZMQ.
//
// What the wall adds is a few milliseconds of HTTP, router and client for each request, and whatever a
// shared machine does meanwhile. The workload is chosen so that neither matters: prompts take seconds to
// compute, and no decision hangs on a tenth of a second, which the first test shows.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import test, { type TestContext } from 'node:test';
import { runFleet } from '../../bench/fleet/fleet-run.js';
import { warmpath } from '../../bench/fleet/policies/router-policies.js';
import { SegmentPrompt } from '../../bench/fleet/prompt-blocks.js';
import { seededRandom } from '../../bench/fleet/random.js';
import { TargetClient } from '../../bench/fleet/target/target-client.js';
import { runTarget } from '../../bench/fleet/target/target-run.js';
import type { Workload, WorkloadRequest } from '../../bench/fleet/workload.js';
import { sharedPrefix } from '../../bench/fleet/workloads/shared-prefix.js';
import { engineOptionsOf, SIM_DEFAULTS } from '../../src/sim/sim-options.js';
import { byteEncoder } from '../support/byte-encoder.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';

const ENGINES = 3;
const VOCABULARY = 1000;
/** A large model on slow GPUs: 1.9 s for a new prompt, 0.7 s for a known one. A speed-up would not do:
 * the router's own times (heat, recent work) are those of the wall. Engines hold not quite two prompts,
 * so they must evict, and some requests wait for blocks. */
const ENGINE = { timing: 'llama-3.1-70b-tp4-a100', kvTokens: 18_000 };

/** How late mean times may be: HTTP, router, client, and whatever else the machine does. That makes
 * nothing early, so a mean that is early is the model's. */
const LATE_SHARE = 0.03;
const EARLY_SHARE = 0.005;
/** How far each time alone may be off. */
const ONE_SHARE = 0.03;
const ONE_MS = 100;
/** A request that a busy machine makes late by as much changes nothing but its own time. */
const JITTER_MS = 150;

/** The first event of each engine shows how it hashes, and all code has run once. */
const WARM_UP: readonly WorkloadRequest[] = Array.from({ length: 9 }, (_, i) => ({
  ...{ atUs: i * 30_000, session: null, thinkUs: 0, promptTokens: 48, outputTokens: 2 },
  ...{ prompt: new SegmentPrompt([[1000 + i, 48]]), answerId: -1 },
}));
const MAIN_AT_US = 400_000;
const USERS_PER_GROUP = 8;

function smallWorkload(): Workload {
  const main = sharedPrefix(
    'small',
    'six groups of users',
    {
      ...{ groups: 6, usersPerGroup: USERS_PER_GROUP, systemTokens: 6000, questionTokens: 3000 },
      ...{ outputTokens: 4, stages: [[1.9, 8.2]], arrivals: 'constant' },
    },
    382,
  );
  const later = main.requests.map((one) => ({ ...one, atUs: one.atUs + MAIN_AT_US }));
  return { ...main, requests: [...WARM_UP, ...later] };
}

function virtually(workload: Workload, seed: number, eventDelayMs: number) {
  const engine = engineOptionsOf({ ...SIM_DEFAULTS, ...ENGINE, encoder: byteEncoder });
  return runFleet({
    ...{
      workload,
      policy: warmpath,
      engines: Array.from({ length: ENGINES }, () => engine),
      seed,
      eventDelayMs,
    },
    ...{ scrapeIntervalMs: 1000, prefillTokensPerSecond: 17_881 },
    ...{ replicas: 1, bypassShare: 0, assumedBlocks: null, incidents: [] },
  });
}

/** What is measured is time, so this process goes before all others where the system lets it: by
 * real-time scheduling, else by its niceness, which counts only within a session. Elsewhere (not root,
 * not Linux) the margins have to do. */
function goFirst(): void {
  const realTime = ['--all-tasks', '--rr', '--pid', '1', String(process.pid)];
  if (spawnSync('chrt', realTime).status === 0) return;
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST);
  } catch {
    return;
  }
}

async function onTheWallsClock(context: TestContext, workload: Workload) {
  goFirst();
  const sims = await startSims(context, ENGINES, ENGINE);
  const router = await startRouter(context, sims, {}, QUICK_TOKENIZER);
  const client = new TargetClient(router.url, null);
  context.after(() => client.close());
  const record = await runTarget({ client, workload, model: TEST_MODEL, vocabulary: VOCABULARY });
  return { record, lagMs: Math.max(...sims.map(({ stats }) => stats.lag.p99Ms)) };
}

/** Engines numbered in the order in which they are first chosen: which of equal ones that is, is drawn. */
function placements(engines: ArrayLike<number | string | null>): number[] {
  const main = Array.from(engines).slice(WARM_UP.length);
  const names = [...new Set(main)];
  return main.map((name) => names.indexOf(name));
}

interface Pair {
  readonly index: number;
  readonly realMs: number;
  readonly virtualMs: number;
}

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

/** Asserts that times agree in the mean and one by one; says how well they do. */
function agree(context: TestContext, what: string, pairs: readonly Pair[]): void {
  const lateMs = pairs.map(({ realMs, virtualMs }) => realMs - virtualMs).sort((a, b) => a - b);
  const quantile = (share: number) =>
    (lateMs[Math.floor(share * (lateMs.length - 1))] ?? 0).toFixed(1);
  const virtualMs = mean(pairs.map((pair) => pair.virtualMs));
  const apart = mean(lateMs) / virtualMs;
  const summary = `${what}: ${pairs.length} requests, virtual ${virtualMs.toFixed(1)} ms, real ${(virtualMs + mean(lateMs)).toFixed(1)} ms (${(100 * apart).toFixed(2)} % apart); one by one p50 ${quantile(0.5)}, p90 ${quantile(0.9)}, least ${quantile(0)}, most ${quantile(1)} ms`;
  context.diagnostic(summary);
  assert.ok(apart >= -EARLY_SHARE && apart <= LATE_SHARE, summary);
  for (const { index, realMs, virtualMs: expected } of pairs) {
    const off = Math.abs(realMs - expected);
    assert.ok(
      off <= ONE_MS + ONE_SHARE * expected,
      `${what} of request ${index}: ${realMs} ms, virtual ${expected} ms`,
    );
  }
}

test('the small workload evicts and queues, and lateness changes no decision', () => {
  const workload = smallWorkload();
  const { cachedTokens, slots, ttftUs } = virtually(workload, 1, 5);
  const main = workload.requests.slice(WARM_UP.length);
  const groups = new Set(main.map(({ session }) => Math.floor((session ?? 0) / USERS_PER_GROUP)));
  const warm = cachedTokens.filter((tokens) => tokens > 0).length;
  const cold = main.length - warm;
  assert.ok(cold > groups.size && warm > 5, `${cold} cold of ${groups.size} groups, ${warm} warm`);
  const [fastest, slowest] = [Math.min(...ttftUs.slice(WARM_UP.length)), Math.max(...ttftUs)];
  assert.ok(fastest > 500_000 && slowest > 3_000_000, `${fastest} to ${slowest} us`);
  const random = seededRandom(7);
  for (let round = 0; round < 20; round += 1) {
    const lateUs = workload.requests.map(() => random() * JITTER_MS * 1000);
    const requests = workload.requests.map((one, i) => ({
      ...one,
      atUs: one.atUs + (lateUs[i] ?? 0),
    }));
    const late = virtually({ ...workload, requests }, 100 + round, [1, 5, 40][round % 3] ?? 5);
    assert.deepEqual(late.cachedTokens, cachedTokens);
    assert.deepEqual(placements(late.slots), placements(slots));
    for (const [i, us] of late.ttftUs.entries()) {
      if (i < WARM_UP.length) continue;
      const movedUs = us + (lateUs[i] ?? 0) - (ttftUs[i] ?? 0);
      assert.ok(Math.abs(movedUs) <= JITTER_MS * 1000, `request ${i} moves by ${movedUs} us`);
    }
  }
});

test('wall-clock and virtual runs agree on every hit, every engine and every time', async (context) => {
  const workload = smallWorkload();
  const { record, lagMs } = await onTheWallsClock(context, workload);
  const virtual = virtually(workload, 1, 5);
  assert.equal(record.failed + record.rejected, 0, record.firstProblem ?? '');
  assert.deepEqual(record.cachedTokens, virtual.cachedTokens);
  assert.deepEqual(placements(record.endpoints), placements(virtual.slots));
  context.diagnostic(`the simulators' callbacks are at most ${lagMs.toFixed(1)} ms late (p99)`);
  const pairs = (realMs: Float64Array, virtualUs: Float64Array): Pair[] =>
    Array.from(realMs, (ms, i) => {
      return { index: i, realMs: ms, virtualMs: (virtualUs[i] ?? 0) / 1000 };
    }).slice(WARM_UP.length);
  const isWarm = ({ index }: Pair) => (virtual.cachedTokens[index] ?? 0) > 0;
  const ttft = pairs(record.firstChunkMs, virtual.ttftUs);
  agree(context, 'time to first token', ttft);
  agree(
    context,
    'of cold prompts',
    ttft.filter((pair) => !isWarm(pair)),
  );
  agree(context, 'of warm prompts', ttft.filter(isWarm));
  agree(context, 'time to the last token', pairs(record.e2eMs, virtual.e2eUs));
});
