import assert from 'node:assert/strict';
import test from 'node:test';
import { type SchedulingPlan, SEED_PLAN } from '../../src/config/scheduling-plan.js';
import { CandidateTable } from '../../src/router/candidate-table.js';
import { createScheduler } from '../../src/scheduler/scheduler.js';
import { candidate, REQUEST } from '../support/candidates.js';

function decide(plan: SchedulingPlan = SEED_PLAN) {
  const load = { inflightRequests: 2, inflightTokens: 900, waitingRequests: 1 };
  const candidates = [
    candidate(0, { matchedBlocks: 16, trust: 'rehashed' }, load),
    candidate(1, { matchedBlocks: 0, trust: 'degraded' }),
  ];
  const decision = createScheduler(plan).schedule(REQUEST, candidates, () => 0);
  return { candidates, load, decision };
}

test('every endpoint is written out with raw and weighted scores that add up', () => {
  const table = new CandidateTable(decide());
  const [holder, other] = JSON.parse(JSON.stringify(table));
  assert.equal(holder.endpoint, 'e0');
  assert.equal(holder.trust, 'rehashed');
  assert.equal(holder.matchedBlocks, 16);
  assert.equal(holder.blockCount, 20);
  assert.equal(holder.inflightTokens, 900);
  assert.equal(holder.rawScores['prefix-cache-scorer'], 0.8);
  assert.equal(holder.scores['prefix-cache-scorer'], 1.6);
  assert.equal(other.trust, 'degraded');
  assert.equal(other.filteredOut, false);
  for (const { scores, total } of [holder, other]) {
    const sum = Object.values<number>(scores).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - total) < 1e-12);
  }
  assert.deepEqual(table.weights, { 'prefix-cache-scorer': 2, 'load-aware-scorer': 1 });
});

test('a load that changes later changes nothing of what was decided', () => {
  const made = decide();
  const table = new CandidateTable(made);
  const before = JSON.stringify(table);
  for (const { load } of made.candidates) Object.assign(load, { inflightRequests: 99 });
  assert.equal(JSON.stringify(table), before);
});

test('an endpoint that a filter took out has no total', () => {
  const parameters = {
    affinityThreshold: 0.5,
    explorationProbability: 0,
    maxTTFTPenaltyMs: 0,
    peakPrefillThroughput: 1,
  };
  const type = 'prefix-cache-affinity-filter';
  const plan = { ...SEED_PLAN, filters: [{ type, name: type, parameters } as const] };
  const [, other] = JSON.parse(JSON.stringify(new CandidateTable(decide(plan))));
  assert.equal(other.filteredOut, true);
  assert.equal(other.total, null);
});
