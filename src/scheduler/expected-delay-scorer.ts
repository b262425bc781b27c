// expected-delay-scorer: the router's own policy. One cost for each endpoint, in prompt tokens to
// compute: what this request waits for there, and what it makes others wait for.
import type { ScorerPlan } from '../config/scheduling-plan.js';
import type { EndpointLoad } from '../endpoint/endpoint.js';
import type { Candidate, SchedulingRequest } from './scheduler.js';
import type { Scorer } from './scorers.js';

type Parameters = ScorerPlan<'expected-delay-scorer'>['parameters'];

/** Measured speeds of equal engines differ by up to this. */
const NOISE = 1.5;
/** No measurement is believed beyond this. */
const SLOWEST = 16;
/** Full caches are about equally bad: the price stays finite. */
const USE_MAX = 0.98;

/**
 * ```
 * cost(e)   = slow(e) · ( outstanding(e) + recentShare · recent(e) + fresh(e) · pressure(e) + copied(e) · copy )
 *           + √slow(e) · decode(e)
 * fresh(e)  = prompt tokens that e would have to compute, copied(e) those of them that another holds
 * copy      = copyPrice · (1 + least outstanding / backlogTokens) / (1 + heat / hotRequests)
 * decode(e) = requestTokens · requests in flight + contextShare · their prompt tokens
 * pressure  = 1 + cachePressure · u / (1 − u), u the share of the KV cache in use
 * score(e)  = least cost / cost(e)
 * ```
 * `outstanding + fresh` alone is the wait for a first token. Computing what another engine holds costs
 * more than the time it takes: it pushes other prefixes out, which are then computed again. A prefix
 * that is asked for often pays that back, so a hot one is copied as load demands; where even the idlest
 * engine has a queue, every copy makes somebody wait. What came new to an engine lately will have
 * successors there: sessions come back.
 */
export function expectedDelayScorer(parameters: Parameters): Scorer {
  const { copyPrice, hotRequests, backlogTokens, recentShare } = parameters;
  return {
    score(request, candidates, raw) {
      const usual = usualMsPerToken(candidates);
      let fewest = Number.POSITIVE_INFINITY;
      let backlog = Number.POSITIVE_INFINITY;
      for (const candidate of candidates) {
        fewest = Math.min(fewest, fresh(request, candidate));
        backlog = Math.min(backlog, outstanding(candidate.load));
      }
      const copy =
        (copyPrice * (1 + backlog / backlogTokens)) / (1 + request.prefixHeat / hotRequests);
      let least = Number.POSITIVE_INFINITY;
      for (let i = 0; i < raw.length; i += 1) {
        const candidate = candidates[i];
        if (candidate === undefined) continue;
        const { load } = candidate;
        const tokens = fresh(request, candidate);
        const compute =
          outstanding(load) +
          recentShare * load.recentTokens +
          tokens * pressure(load, parameters) +
          (tokens - fewest) * copy;
        const slow = slowness(load, usual);
        // A GPU that computes n times slower reads its memory, which decoding waits for, about √n
        // times slower. One token more, so that a cost is never 0.
        const cost = slow * compute + Math.sqrt(slow) * decode(load, parameters) + 1;
        raw[i] = cost;
        least = Math.min(least, cost);
      }
      for (let i = 0; i < raw.length; i += 1) raw[i] = least / (raw[i] ?? 1);
    },
  };
}

function fresh({ promptTokens }: SchedulingRequest, candidate: Candidate): number {
  return Math.max(0, promptTokens - candidate.credit * candidate.blockSizeTokens);
}

/** Of this router and its peers. */
function outstanding({ inflightTokens, otherTokens }: EndpointLoad): number {
  return inflightTokens + otherTokens;
}

function decode(load: EndpointLoad, { requestTokens, contextShare }: Parameters): number {
  const requests = load.inflightRequests + load.otherRequests;
  return requestTokens * requests + contextShare * load.inflightContextTokens;
}

/** An engine whose cache is in use must evict what it used a moment ago, or preempt. */
function pressure({ kvCacheUsage }: EndpointLoad, { cachePressure }: Parameters): number {
  const use = Math.min(kvCacheUsage, USE_MAX);
  return 1 + (cachePressure * use) / (1 - use);
}

/** Geometric mean of what is known of the candidates, so that half of a fleet being n times slower is as
 * far from it as the other half being n times faster; null: nothing is known. */
function usualMsPerToken(candidates: readonly Candidate[]): number | null {
  let sum = 0;
  let known = 0;
  for (const { load } of candidates) {
    if (load.prefillMsPerToken === null) continue;
    sum += Math.log(load.prefillMsPerToken);
    known += 1;
  }
  return known === 0 ? null : Math.exp(sum / known);
}

function slowness({ prefillMsPerToken }: EndpointLoad, usual: number | null): number {
  if (prefillMsPerToken === null || usual === null) return 1;
  const ratio = prefillMsPerToken / usual;
  if (ratio > 1 / NOISE && ratio < NOISE) return 1;
  return Math.min(SLOWEST, Math.max(1 / SLOWEST, ratio));
}
