// Scorers: one number per candidate, 1 is best. Formulas as llm-d publishes them; where ours differs
// the comment says how and why. The scheduler clamps to [0, 1].
import type { ScorerPlan } from '../config/scheduling-plan.js';
import type { EndpointLoad } from '../endpoint/endpoint.js';
import { expectedDelayScorer } from './expected-delay-scorer.js';
import { loadAwareScorer } from './load-aware-scorer.js';
import { noHitLruScorer } from './no-hit-lru-scorer.js';
import type { Candidate, SchedulingRequest } from './scheduler.js';

export interface Scorer {
  /** Writes one score per candidate into `raw`. */
  score(request: SchedulingRequest, candidates: readonly Candidate[], raw: Float64Array): void;
  assigned?(request: SchedulingRequest, candidate: Candidate): void;
}

export function createScorer(plan: ScorerPlan): Scorer {
  switch (plan.type) {
    case 'prefix-cache-scorer':
      return each((candidate) => prefixScore(candidate, plan.parameters));
    case 'load-aware-scorer':
      return loadAwareScorer(plan.parameters);
    case 'queue-scorer':
      return relative((load) => load.waitingRequests);
    case 'running-requests-size-scorer':
      return relative((load) => load.runningRequests);
    case 'kv-cache-utilization-scorer':
      return each(({ load }) => 1 - load.kvCacheUsage);
    case 'active-request-scorer':
      return activeRequestScorer(plan.parameters);
    case 'token-load-scorer': {
      const { queueThresholdTokens } = plan.parameters;
      return each(({ load }) => {
        const tokens = load.inflightTokens + load.otherTokens;
        return 1 - Math.min(1, tokens / queueThresholdTokens);
      });
    }
    case 'no-hit-lru-scorer':
      return noHitLruScorer(plan.parameters);
    case 'lora-affinity-scorer':
      return { score: scoreLora };
    case 'expected-delay-scorer':
      return expectedDelayScorer(plan.parameters);
  }
}

/** Share of the request that the endpoint holds: over the blocks of the request, never over the best
 * match, which would send everything to the one holder of a common first block. Fractions of a
 * block, which tiers give, count (llm-d cuts them). */
export function prefixScore(
  { credit, blockCount, blockSizeTokens }: Candidate,
  {
    matchLengthWeight: lengthWeight,
    matchLengthScaleTokens,
  }: ScorerPlan<'prefix-cache-scorer'>['parameters'],
): number {
  if (blockCount === 0) return 0;
  const share = Math.min(1, credit / blockCount);
  if (lengthWeight === 0) return share;
  const length = Math.min(1, (credit * blockSizeTokens) / matchLengthScaleTokens);
  return lengthWeight * length ** 2 + (1 - lengthWeight) * share;
}

function each(score: (candidate: Candidate) => number): Scorer {
  return {
    score(_request, candidates, raw) {
      for (const [i, candidate] of candidates.entries()) raw[i] = score(candidate);
    },
  };
}

/** 1 for the least, 0 for the most, 1 for all when all are equal. */
function relative(measure: (load: EndpointLoad) => number): Scorer {
  return {
    score(_request, candidates, raw) {
      let least = Number.POSITIVE_INFINITY;
      let most = Number.NEGATIVE_INFINITY;
      for (const { load } of candidates) {
        const value = measure(load);
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
      for (const [i, { load }] of candidates.entries()) {
        raw[i] = most === least ? 1 : (most - measure(load)) / (most - least);
      }
    },
  };
}

function activeRequestScorer({
  idleThreshold,
  maxBusyScore,
}: ScorerPlan<'active-request-scorer'>['parameters']): Scorer {
  return {
    score(_request, candidates, raw) {
      let most = 0;
      for (const { load } of candidates) most = Math.max(most, load.inflightRequests);
      for (const [i, { load }] of candidates.entries()) {
        const count = load.inflightRequests;
        raw[i] = count <= idleThreshold ? 1 : ((most - count) / most) * maxBusyScore;
      }
    },
  };
}

/** Running 1, room for it 0.8, waiting 0.6, else 0; a request for the base model makes no difference. */
function scoreLora(
  { loraName }: SchedulingRequest,
  candidates: readonly Candidate[],
  raw: Float64Array,
): void {
  if (loraName === null) return;
  for (const [i, { load }] of candidates.entries()) {
    if (load.lora === null) continue;
    const { running, waiting, max } = load.lora;
    if (running.includes(loraName)) raw[i] = 1;
    else if (running.length + waiting.length < max) raw[i] = 0.8;
    else if (waiting.includes(loraName)) raw[i] = 0.6;
  }
}
