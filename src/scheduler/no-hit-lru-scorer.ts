// no-hit-lru-scorer: spreads requests that nobody has cached over the endpoints in turn.
import type { ScorerPlan } from '../config/scheduling-plan.js';
import type { Candidate } from './scheduler.js';
import type { Scorer } from './scorers.js';

/** Cold request: from 1 for the endpoint whose last cold request is longest ago to 0 for the latest;
 * warm request: 0.5 for everyone. */
export function noHitLruScorer({ lruSize }: ScorerPlan<'no-hit-lru-scorer'>['parameters']): Scorer {
  /** Endpoints by their last cold request, oldest first. */
  const lastCold = new Map<string, number>();
  let clock = 0;
  const age = ({ endpoint }: Candidate) => lastCold.get(keyOf(endpoint)) ?? 0;
  return {
    score(_request, candidates, raw) {
      if (candidates.some(({ matchedBlocks }) => matchedBlocks > 0)) {
        raw.fill(0.5);
        return;
      }
      const ages = candidates.map(age).sort((a, b) => a - b);
      for (const [i, candidate] of candidates.entries()) {
        // Endpoints without a cold request yet share the first rank.
        const rank = ages.indexOf(age(candidate));
        raw[i] = candidates.length === 1 ? 1 : 1 - rank / (candidates.length - 1);
      }
    },
    assigned(_request, { endpoint, matchedBlocks }) {
      if (matchedBlocks > 0) return;
      clock += 1;
      const key = keyOf(endpoint);
      lastCold.delete(key);
      lastCold.set(key, clock);
      if (lastCold.size <= lruSize) return;
      const oldest = lastCold.keys().next();
      if (oldest.done !== true) lastCold.delete(oldest.value);
    },
  };
}

function keyOf({ slot, epoch }: { slot: number; epoch: number }): string {
  return `${slot}/${epoch}`;
}
