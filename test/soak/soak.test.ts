import assert from 'node:assert/strict';
import test from 'node:test';
import { runSeed } from '../support/random.js';
import { runSoak } from './soak-run.js';
import { faultsOf } from './soak-verdict.js';

test('a short soak loses no call, and the router is afterwards what it was before', async (context) => {
  const seed = runSeed;
  context.diagnostic(`seed ${seed}`);
  const say = (line: string) => context.diagnostic(line);
  const report = await runSoak({ minutes: 0.2, streams: 30, engines: 3, seed, fills: false, say });
  context.diagnostic(JSON.stringify(report));
  // Within seconds the memory of the whole process follows the garbage collectors of its threads.
  const { rssBytes } = report.before;
  assert.deepEqual(faultsOf({ ...report, after: { ...report.after, rssBytes } }), []);
  assert.ok(report.kills > 0);
});
