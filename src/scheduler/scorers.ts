// Scorers: what makes an endpoint good for a request. Each gives every candidate a number in [0, 1];
// 1 is best. Formulas are those of the llm-d plugins of the same names, as operators know them.
import type { ScorerPlan } from '../config/scheduling-plan.js';
import type { Candidate, SchedulingRequest } from './scheduler.js';

/** Writes the raw score of candidate i to `raw[i]`. */
export type Scorer = (
  request: SchedulingRequest,
  candidates: readonly Candidate[],
  raw: Float64Array,
) => void;

export function createScorer(plan: ScorerPlan): Scorer {
  switch (plan.type) {
    case 'prefix-cache-scorer':
      return prefixScorer(
        plan.parameters.matchLengthWeight,
        plan.parameters.matchLengthScaleTokens,
      );
    case 'load-aware-scorer':
      return loadAwareScorer(plan.parameters.threshold, plan.parameters.signal === 'blended');
    case 'queue-scorer':
      return shortestScorer(({ load }) => load.waitingRequests);
    case 'running-requests-size-scorer':
      return shortestScorer(({ load }) => load.runningRequests);
    case 'kv-cache-utilization-scorer':
      return each(({ load }) => 1 - load.kvCacheUsage);
    case 'active-request-scorer':
      return activeRequestScorer(plan.parameters.idleThreshold, plan.parameters.maxBusyScore);
    case 'token-load-scorer':
      return each(
        ({ load }) => 1 - Math.min(1, load.inflightTokens / plan.parameters.queueThresholdTokens),
      );
    case 'no-hit-lru-scorer':
    case 'lora-affinity-scorer':
      // Both prefer an endpoint for what it did before, which the prefix index knows better.
      return each(() => 0);
  }
}

function each(score: (candidate: Candidate) => number): Scorer {
  return (_request, candidates, raw) => {
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i];
      if (candidate !== undefined) raw[i] = score(candidate);
    }
  };
}

/** Share of the request that is in the endpoint's cache. Divided by the request's own blocks, never
 * by the best endpoint's match: with one block shared by all traffic the latter sends everything to
 * the first endpoint that got it. */
function prefixScorer(lengthWeight: number, scaleTokens: number): Scorer {
  return (request, candidates, raw) => {
    const { blockCount, promptTokens } = request;
    for (let i = 0; i < candidates.length; i++) {
      const credit = candidates[i]?.credit ?? 0;
      const share = blockCount === 0 ? 0 : credit / blockCount;
      const length = Math.min(1, (share * promptTokens) / scaleTokens) ** 2;
      raw[i] = lengthWeight * length + (1 - lengthWeight) * share;
    }
  };
}

/** 0.5 for an idle endpoint, 0 from `threshold` waiting requests on. The engine's own count of
 * waiting requests is as old as the last poll, so `blended` adds the requests that this router has
 * sent beyond those the engine was seen to have: none while both agree. */
function loadAwareScorer(threshold: number, blended: boolean): Scorer {
  return each(({ load }) => {
    const { waitingRequests, runningRequests, inflightRequests } = load;
    const unseen = blended ? Math.max(0, inflightRequests - runningRequests - waitingRequests) : 0;
    const waiting = waitingRequests + unseen;
    return 0.5 * (1 - Math.min(waiting, threshold) / threshold);
  });
}

/** 1 for the lowest, 0 for the highest; 1 for all when they are equal. */
function shortestScorer(length: (candidate: Candidate) => number): Scorer {
  return (_request, candidates, raw) => {
    let low = Number.POSITIVE_INFINITY;
    let high = 0;
    for (const candidate of candidates) {
      low = Math.min(low, length(candidate));
      high = Math.max(high, length(candidate));
    }
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i];
      if (candidate === undefined) continue;
      raw[i] = high > low ? (high - length(candidate)) / (high - low) : 1;
    }
  };
}

/** Idle endpoints score 1; busy ones up to `maxBusyScore`, the busiest 0. */
function activeRequestScorer(idleThreshold: number, maxBusyScore: number): Scorer {
  return (_request, candidates, raw) => {
    let most = 0;
    for (const { load } of candidates) most = Math.max(most, load.inflightRequests);
    for (let i = 0; i < candidates.length; i++) {
      const count = candidates[i]?.load.inflightRequests ?? 0;
      raw[i] = count <= idleThreshold ? 1 : ((most - count) / most) * maxBusyScore;
    }
  };
}
