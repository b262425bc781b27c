// Filters: which candidates are scored at all; never none of them.
import type { FilterPlan } from '../config/scheduling-plan.js';
import type { Candidate } from './scheduler.js';
import { prefixScore } from './scorers.js';

/** Returns some of the candidates in their order, or the very same array when all stay. */
export type Filter = (
  candidates: readonly Candidate[],
  random: () => number,
) => readonly Candidate[];

export function createFilter({ parameters }: FilterPlan): Filter {
  return prefixCacheAffinityFilter(parameters);
}

const SHARE_ONLY = { matchLengthWeight: 0, matchLengthScaleTokens: 1 };

/** Sticky until saturated (llm-d, August 2026): only endpoints that hold most of the prompt stay,
 * unless none does or the best of them would answer too much later than the best other one. */
function prefixCacheAffinityFilter(parameters: FilterPlan['parameters']): Filter {
  const { affinityThreshold, explorationProbability, maxTTFTPenaltyMs, peakPrefillThroughput } =
    parameters;
  return (candidates, random) => {
    if (explorationProbability > 0 && random() < explorationProbability) return candidates;
    let stickyTokens = Number.POSITIVE_INFINITY;
    let otherTokens = Number.POSITIVE_INFINITY;
    const sticky = candidates.filter((candidate) => {
      const holds = prefixScore(candidate, SHARE_ONLY) >= affinityThreshold;
      const tokens = candidate.load.inflightTokens + candidate.load.otherTokens;
      if (holds) stickyTokens = Math.min(stickyTokens, tokens);
      else otherTokens = Math.min(otherTokens, tokens);
      return holds;
    });
    if (sticky.length === 0 || sticky.length === candidates.length) return candidates;
    const penaltyMs = ((stickyTokens - otherTokens) / peakPrefillThroughput) * 1000;
    return maxTTFTPenaltyMs > 0 && penaltyMs > maxTTFTPenaltyMs ? candidates : sticky;
  };
}
