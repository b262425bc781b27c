// The same small workload in virtual time and on the wall's clock: virtual engines and a virtual router
// against simulated servers behind the router as `serve` assembles it, over HTTP and ZMQ.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { runFleet } from '../../bench/fleet/fleet-run.js';
import { warmpath } from '../../bench/fleet/policies/router-policies.js';
import { TargetClient } from '../../bench/fleet/target/target-client.js';
import { runTarget, type TargetRecord } from '../../bench/fleet/target/target-run.js';
import type { Workload } from '../../bench/fleet/workload.js';
import { type SharedPrefix, sharedPrefix } from '../../bench/fleet/workloads/shared-prefix.js';
import { engineOptionsOf } from '../../src/sim/sim-options.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';

/** An engine whose steps are long next to what HTTP and this machine add. A speed-up would not do: the
 * router's own times (heat, recent work) are those of the wall. */
const TIMING = 'qwen3-32b-tp2-h100';
const ENGINES = 3;
const VOCABULARY = 1000;
/** Of 7,000 tokens a prompt: engines must evict. */
const KV_TOKENS = 15_000;
/** Agreement that is asked of mean times; what HTTP and the router take is in one of them. */
const SHARE = 0.08;
/** A simulator that is later than this measures the machine (BENCHMARKS section 7.5). */
const LAG_MAX_MS = 5;

const SHAPE: SharedPrefix = {
  ...{ groups: 6, usersPerGroup: 2, systemTokens: 6000, questionTokens: 1000, outputTokens: 4 },
  ...{ stages: [[3, 5.5]], arrivals: 'constant' },
};
/** Prompts shorter than a block: they leave nothing behind. */
const WARM_UP: SharedPrefix = {
  ...{ groups: 10, usersPerGroup: 1, systemTokens: 5, questionTokens: 5, outputTokens: 2 },
  ...{ stages: [[30, 0.4]], arrivals: 'constant' },
};

async function wallClock(context: TestContext, workload: Workload) {
  const options = { timing: TIMING, kvTokens: KV_TOKENS };
  const sims = await startSims(context, ENGINES, options);
  const router = await startRouter(context, sims, {}, QUICK_TOKENIZER);
  const client = new TargetClient(router.url, null);
  context.after(() => client.close());
  const send = (part: Workload): Promise<TargetRecord> =>
    runTarget({ client, workload: part, model: TEST_MODEL, vocabulary: VOCABULARY });
  await send(sharedPrefix('warm-up', 'short prompts', WARM_UP, 1));
  const record = await send(workload);
  const lagMs = Math.max(...sims.map(({ stats }) => stats.lag.p99Ms));
  const ttftUs = record.firstChunkMs.map((ms) => ms * 1000);
  return { record, ttftUs, lagMs, engines: sims.map((sim) => engineOptionsOf(sim.options)) };
}

const mean = (values: Float64Array) => values.reduce((sum, one) => sum + one, 0) / values.length;

test('wall-clock and virtual runs agree on hits exactly, and no time to first token is early', async (context) => {
  const workload = sharedPrefix('small', 'six groups of two users', SHAPE, 3);
  const { record, ttftUs, lagMs, engines } = await wallClock(context, workload);
  const virtual = runFleet({
    ...{ workload, policy: warmpath, engines, seed: 1 },
    ...{ eventDelayMs: 5, scrapeIntervalMs: 1000, prefillTokensPerSecond: 17_881 },
    ...{ replicas: 1, bypassShare: 0, assumedBlocks: null, incidents: [] },
  });
  assert.equal(record.failed + record.rejected, 0, record.firstProblem ?? '');
  assert.deepEqual(record.cachedTokens, virtual.cachedTokens);
  const hits = virtual.cachedTokens.filter((tokens) => tokens > 0).length;
  assert.ok(hits > 4 && hits < workload.requests.length - 4, `${hits} hits`);
  const [real, simulated] = [mean(ttftUs), mean(virtual.ttftUs)];
  const apart = (real - simulated) / simulated;
  context.diagnostic(
    `mean TTFT ${(real / 1000).toFixed(1)} ms, virtual ${(simulated / 1000).toFixed(1)} ms (${(100 * apart).toFixed(1)} %), lag p99 ${lagMs.toFixed(1)} ms`,
  );
  // A machine that is busy elsewhere makes everything late, nothing early.
  assert.ok(apart > -SHARE, `${apart}`);
  const late = `the simulators were ${lagMs.toFixed(1)} ms late: times say nothing`;
  await context.test('times to first token agree', { skip: lagMs > LAG_MAX_MS && late }, () =>
    assert.ok(apart < SHARE, `${apart}`),
  );
});
