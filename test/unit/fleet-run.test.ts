import assert from 'node:assert/strict';
import test from 'node:test';
import { armsNamed } from '../../bench/fleet/arms.js';
import { engineFleet } from '../../bench/fleet/engine-fleet.js';
import { runFleet } from '../../bench/fleet/fleet-run.js';
import { POLICIES, policiesNamed } from '../../bench/fleet/policy-list.js';
import { spanUs } from '../../bench/fleet/workload.js';
import { hotPrefix } from '../../bench/fleet/workloads/hot-prefix.js';

const SHAPE = { rate: 30, seconds: 8, hotShare: 0.7, groups: 20 };

function run(policyName: string, armName: string, seed: number) {
  const workload = hotPrefix('hot', 'one hot prefix', SHAPE, seed);
  const engines = engineFleet(workload.engines, {
    ...{ count: 4, timing: null, kvTokens: 200_000, blockSizeTokens: 16 },
    generatedBlocks: 'cached',
  });
  const [policy] = policiesNamed(policyName);
  const [arm] = armsNamed(armName);
  assert.ok(policy !== undefined && arm !== undefined);
  const { itl: _, ...record } = runFleet({
    ...arm.apply(engines, spanUs(workload)),
    ...{ workload, policy, seed, eventDelayMs: 50, scrapeIntervalMs: 1000 },
    prefillTokensPerSecond: 43_000,
  });
  return record;
}

for (const { name } of POLICIES) {
  test(`${name}: one seed, one run; every request ends and every booking is given back`, () => {
    const record = run(name, 'none', 5);
    assert.deepEqual(run(name, 'none', 5), record);
    assert.equal(record.bookingsReleased, true);
    assert.equal(record.failed + record.rejected, 0);
    assert.ok(record.e2eUs.every((time) => time > 0));
  });
}

for (const arm of [
  'replicas-4',
  'router-restart',
  'engine-restart',
  'scale',
  'bypass',
  'eviction',
]) {
  test(`${arm}: every booking of the default policy is given back`, () => {
    const record = run('warmpath', arm, 6);
    assert.equal(record.bookingsReleased, true);
    // An engine that restarts breaks off the answers it was giving.
    const answered = record.e2eUs.filter((time) => time > 0).length;
    assert.equal(answered + record.failed + record.rejected, record.e2eUs.length);
    assert.ok(answered >= record.e2eUs.length * 0.8, `${answered} answers`);
  });
}

test('other seeds make other runs', () => {
  assert.notDeepEqual(run('warmpath', 'none', 1).ttftUs, run('warmpath', 'none', 2).ttftUs);
});
