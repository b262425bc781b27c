import assert from 'node:assert/strict';
import test from 'node:test';
import { DEFAULT_PLAN, SEED_PLAN } from '../../src/config/scheduling-plan.js';
import { CandidateTable, type DecisionCandidate } from '../../src/router/candidate-table.js';
import { createScheduler } from '../../src/scheduler/scheduler.js';
import { candidate } from '../support/candidates.js';
import { runSeed, seededRandom } from '../support/random.js';

/** What `GET /decisions` says of one endpoint, as the scheduler takes it. */
function fromLog(logged: DecisionCandidate, slot: number) {
  return candidate(slot, logged, { ...logged, lora: null });
}

for (const [name, plan] of Object.entries({
  'the default': DEFAULT_PLAN,
  "the seed's": SEED_PLAN,
})) {
  test(`a decision of ${name} policy can be made again from what was logged`, () => {
    const seed = runSeed;
    const random = seededRandom(seed);
    const scheduler = createScheduler(plan);
    for (let i = 0; i < 300; i += 1) {
      const request = { promptTokens: 6400, loraName: null, prefixHeat: random() * 30 };
      const fleet = Array.from({ length: 1 + Math.floor(random() * 9) }, (_, slot) => {
        const matchedBlocks = Math.floor(random() * 300);
        const predictedBlocks = Math.floor(random() * 90);
        const credit = matchedBlocks + 0.9 * predictedBlocks;
        return candidate(
          slot,
          { matchedBlocks, predictedBlocks, credit, blockCount: 400 },
          {
            waitingRequests: Math.floor(random() * 20),
            runningRequests: Math.floor(random() * 90),
            kvCacheUsage: random(),
            inflightRequests: Math.floor(random() * 90),
            inflightTokens: Math.floor(random() * 40_000),
            inflightContextTokens: Math.floor(random() * 400_000),
            otherRequests: Math.floor(random() * 9),
            otherTokens: Math.floor(random() * 20_000),
            recentTokens: random() * 90_000,
            prefillMsPerToken: random() < 0.3 ? null : random(),
          },
        );
      });
      const decision = scheduler.schedule(request, fleet, () => 0.5);
      const log = JSON.stringify(new CandidateTable({ candidates: fleet, decision }));
      const logged: DecisionCandidate[] = JSON.parse(log);
      const again = scheduler.schedule(request, logged.map(fromLog), () => 0.5);
      assert.deepEqual(again, decision, `seed ${seed}`);
      assert.deepEqual(
        logged.map(({ total }) => total),
        [...decision.totals],
      );
    }
  });
}
