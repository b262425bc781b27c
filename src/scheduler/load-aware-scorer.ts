// load-aware-scorer: the seed's half, and a half of our own from accounting that is never stale.
import type { ScorerPlan } from '../config/scheduling-plan.js';
import type { EndpointLoad } from '../endpoint/endpoint.js';
import type { Scorer } from './scorers.js';

const DEFAULT_THRESHOLD = 128;
/** Prompt tokens that weigh as much as one request in flight: tokens alone are blind to decoding,
 * requests alone to long prompts. Any scale from 250 to 1000 tokens does about the same. */
const TOKENS_PER_REQUEST = 1000;

/**
 * Seed: `0.5 (1 - min(waiting, threshold) / threshold)` over the engine's waiting requests, 0 to 0.5;
 * this is all of it with `signal: waiting`. Between two polls every request of a burst sees the same
 * number, and an engine that never queues shows no load at all.
 *
 * `signal: blended` (default) fills the upper half, which the seed never uses, with the router's own
 * count: `0.5 (most - own) / (most - least)` over the candidates, where `own` is requests in flight
 * plus outstanding uncached prompt tokens in thousands plus what came past this router.
 */
export function loadAwareScorer({
  threshold: configured,
  signal,
}: ScorerPlan<'load-aware-scorer'>['parameters']): Scorer {
  const threshold = configured > 0 ? configured : DEFAULT_THRESHOLD;
  const seed = ({ waitingRequests }: EndpointLoad) =>
    0.5 * (1 - Math.min(waitingRequests, threshold) / threshold);
  return {
    score(_request, candidates, raw) {
      let least = Number.POSITIVE_INFINITY;
      let most = 0;
      if (signal === 'blended') {
        for (const { load } of candidates) {
          const own = ownLoad(load);
          least = Math.min(least, own);
          most = Math.max(most, own);
        }
      }
      for (const [i, { load }] of candidates.entries()) {
        let score = seed(load);
        if (signal === 'blended') {
          score += most === least ? 0.5 : (0.5 * (most - ownLoad(load))) / (most - least);
        }
        raw[i] = score;
      }
    },
  };
}

function ownLoad(load: EndpointLoad): number {
  const requests = load.inflightRequests + load.otherRequests;
  return requests + (load.inflightTokens + load.otherTokens) / TOKENS_PER_REQUEST;
}
