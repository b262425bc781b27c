// expected-delay-scorer: the router's own policy. One cost for each endpoint, in prompt tokens to
// compute: what this request waits for there, and what it makes others wait for.
import type { ScorerPlan } from '../config/scheduling-plan.js';
import type { EndpointLoad } from '../endpoint/endpoint.js';
import type { Candidate, SchedulingRequest } from './scheduler.js';
import type { Scorer } from './scorers.js';

export function expectedDelayScorer(
  parameters: ScorerPlan<'expected-delay-scorer'>['parameters'],
): Scorer {
  const { requestTokens, contextShare, hotRequests, cachePressure, copyPrice } = parameters;
  return {
    score(request, candidates, raw) {
      let least = Number.POSITIVE_INFINITY;
      for (const candidate of candidates) least = Math.min(least, freshTokens(request, candidate));
      const usual = usualMsPerToken(candidates);
      const copy = copyPrice / (1 + request.prefixHeat / hotRequests);
      let best = Number.POSITIVE_INFINITY;
      for (const [i, candidate] of candidates.entries()) {
        const { load } = candidate;
        const use = Math.min(load.kvCacheUsage, 0.99);
        const fresh = freshTokens(request, candidate);
        const wait =
          load.inflightTokens +
          requestTokens * (load.inflightRequests + load.otherRequests) +
          contextShare * load.inflightContextTokens;
        const own = fresh * (1 + (cachePressure * use) / (1 - use)) + (fresh - least) * copy;
        const cost = slowness(load, usual) * (wait + own) + 1;
        raw[i] = cost;
        best = Math.min(best, cost);
      }
      for (let i = 0; i < raw.length; i += 1) raw[i] = best / (raw[i] ?? 1);
    },
  };
}

function freshTokens(
  { promptTokens }: SchedulingRequest,
  { credit, blockSizeTokens }: Candidate,
): number {
  return Math.max(0, promptTokens - credit * blockSizeTokens);
}

/** Mean of what is known of the candidates; null: nothing. */
function usualMsPerToken(candidates: readonly Candidate[]): number | null {
  let sum = 0;
  let known = 0;
  for (const { load } of candidates) {
    if (load.prefillMsPerToken === null) continue;
    sum += load.prefillMsPerToken;
    known += 1;
  }
  return known === 0 ? null : sum / known;
}

/** Time a token takes here over the usual one; measured differences of equal engines are noise. */
function slowness({ prefillMsPerToken }: EndpointLoad, usual: number | null): number {
  if (prefillMsPerToken === null || usual === null) return 1;
  const ratio = prefillMsPerToken / usual;
  return ratio > 1 / NOISE && ratio < NOISE ? 1 : Math.min(MOST, Math.max(1 / MOST, ratio));
}

const NOISE = 1.25;
const MOST = 16;
