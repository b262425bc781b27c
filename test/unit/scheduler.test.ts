import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SchedulingPlan, SEED_PLAN } from '../../src/config/scheduling-plan.js';
import { createScheduler } from '../../src/scheduler/scheduler.js';
import { candidate, REQUEST } from '../support/candidates.js';
import { runSeed, seededRandom } from '../support/random.js';

const never = () => assert.fail('no tie, so no dice');
const schedule = (plan: SchedulingPlan, ...rest: ReturnType<typeof candidate>[]) =>
  createScheduler(plan).schedule(REQUEST, rest, seededRandom(1));

test('match 1 of 20 blocks on the busiest engine loses against an idle engine without a match', () => {
  const busy = candidate(
    0,
    { matchedBlocks: 1 },
    { inflightRequests: 40, inflightTokens: 60_000, waitingRequests: 8, runningRequests: 32 },
  );
  const decision = schedule(SEED_PLAN, busy, candidate(1));
  assert.equal(decision.pick, 1);
  assert.deepEqual([...decision.order], [1, 0]);
});

test('a common first block does not gather a fleet on its first holder', () => {
  // Every request shares block 0 with all others: the collapse of a score divided by the best match.
  const scheduler = createScheduler(SEED_PLAN);
  const random = seededRandom(runSeed);
  const sent = [0, 0, 0, 0];
  const holds = [1, 0, 0, 0];
  for (let i = 0; i < 400; i += 1) {
    const fleet = sent.map((inflightRequests, slot) =>
      candidate(slot, { matchedBlocks: holds[slot] ?? 0 }, { inflightRequests }),
    );
    const { pick } = scheduler.schedule(REQUEST, fleet, random);
    sent[pick] = (sent[pick] ?? 0) + 1;
    holds[pick] = 1;
  }
  assert.ok(Math.max(...sent) - Math.min(...sent) <= 2, `sent ${sent}`);
});

test('a large match wins over a moderate load', () => {
  const holder = candidate(0, { matchedBlocks: 18 }, { inflightRequests: 10 });
  assert.equal(schedule(SEED_PLAN, holder, candidate(1)).pick, 0);
});

test('a decision explains itself and is never written again', () => {
  const scheduler = createScheduler(SEED_PLAN);
  const first = scheduler.schedule(
    REQUEST,
    [candidate(0, { matchedBlocks: 10 }), candidate(1)],
    never,
  );
  const copy = structuredClone(first);
  scheduler.schedule(REQUEST, [candidate(0), candidate(1, { matchedBlocks: 20 })], never);
  assert.deepEqual(first, copy);
  assert.deepEqual(
    first.columns.map(({ scorer, weight, raw }) => [scorer, weight, ...raw]),
    [
      ['prefix-cache-scorer', 2, 0.5, 0],
      ['load-aware-scorer', 1, 1, 1],
    ],
  );
  assert.deepEqual([...first.totals], [2, 1]);
  assert.equal(
    scheduler.description,
    '2 x prefix-cache-scorer + 1 x load-aware-scorer, max-score-picker',
  );
});

test('scheduling alone leaves no trace, so explaining a request has no side effect', () => {
  const scheduler = createScheduler({
    ...SEED_PLAN,
    scorers: [{ type: 'no-hit-lru-scorer', name: 'n', weight: 1, parameters: { lruSize: 8 } }],
  });
  const fleet = [candidate(0), candidate(1)];
  const random = seededRandom(3);
  for (let i = 0; i < 5; i += 1) {
    assert.deepEqual([...scheduler.schedule(REQUEST, fleet, random).totals], [1, 1]);
  }
  const [first] = fleet;
  assert.ok(first);
  scheduler.assigned(REQUEST, first);
  assert.equal(scheduler.schedule(REQUEST, fleet, never).pick, 1);
});

test('totals are finite and in range, and more match never scores less, for any input', () => {
  const seed = runSeed;
  const random = seededRandom(seed);
  const odd = [0, 1, 0.5, -1, 1e9, Number.NaN, Number.POSITIVE_INFINITY];
  const any = () => odd[Math.floor(random() * odd.length)] ?? 0;
  const plan: SchedulingPlan = {
    ...SEED_PLAN,
    scorers: [
      ...SEED_PLAN.scorers,
      { type: 'queue-scorer', name: 'q', weight: 1.5, parameters: {} },
      { type: 'kv-cache-utilization-scorer', name: 'k', weight: 1, parameters: {} },
      {
        type: 'token-load-scorer',
        name: 't',
        weight: 1,
        parameters: { queueThresholdTokens: 1000 },
      },
      {
        type: 'active-request-scorer',
        name: 'a',
        weight: 1,
        parameters: { idleThreshold: 0, maxBusyScore: 1 },
      },
    ],
  };
  const scheduler = createScheduler(plan);
  for (let round = 0; round < 500; round += 1) {
    const fleet = Array.from({ length: 1 + Math.floor(random() * 12) }, (_, slot) =>
      candidate(
        slot,
        { matchedBlocks: Math.floor(random() * 21), credit: any() },
        {
          waitingRequests: any(),
          runningRequests: any(),
          kvCacheUsage: any(),
          inflightRequests: any(),
          inflightTokens: any(),
          otherRequests: any(),
        },
      ),
    );
    const { totals, order, pick } = scheduler.schedule(REQUEST, fleet, random);
    for (const total of totals)
      assert.ok(total >= 0 && total <= 7.5, `total ${total}, seed ${seed}`);
    assert.equal(order[0], pick);
    assert.equal(order.length, Math.min(fleet.length, 8));
  }
  let last = -1;
  for (let matchedBlocks = 0; matchedBlocks <= 25; matchedBlocks += 1) {
    const total =
      scheduler.schedule(REQUEST, [candidate(0, { matchedBlocks })], random).totals[0] ?? 0;
    assert.ok(total >= last);
    last = total;
  }
});

test('the affinity filter keeps holders, unless none holds enough or they would answer too late', () => {
  const plan = (maxTTFTPenaltyMs: number, explorationProbability = 0): SchedulingPlan => ({
    ...SEED_PLAN,
    scorers: [
      {
        type: 'token-load-scorer',
        name: 't',
        weight: 1,
        parameters: { queueThresholdTokens: 1e6 },
      },
    ],
    filters: [
      {
        type: 'prefix-cache-affinity-filter',
        name: 'f',
        parameters: {
          affinityThreshold: 0.8,
          explorationProbability,
          maxTTFTPenaltyMs,
          peakPrefillThroughput: 1000,
        },
      },
    ],
  });
  const holder = candidate(1, { matchedBlocks: 16 }, { inflightTokens: 5000 });
  const kept = schedule(plan(10_000), candidate(0), holder, candidate(2));
  assert.equal(kept.pick, 1);
  assert.deepEqual([...kept.totals], [-Infinity, 0.995, -Infinity]);
  assert.notEqual(schedule(plan(4999), candidate(0), holder).pick, 1, 'five seconds late');
  assert.equal(schedule(plan(0), candidate(0), holder).pick, 1, 'no penalty: always stick');
  assert.notEqual(schedule(plan(0, 1), candidate(0), holder).pick, 1, 'exploring');
  const less = candidate(1, { matchedBlocks: 15 }, { inflightTokens: 5000 });
  assert.equal(schedule(plan(0), candidate(0), less).pick, 0, 'below the threshold');
});
