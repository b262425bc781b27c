// Scheduling: filter, weighted sum of scores, pick. Pure: no I/O, no clock, no dice of its own.
import type { SchedulingPlan } from '../config/scheduling-plan.js';
import type { Endpoint, EndpointLoad, Trust } from '../endpoint/endpoint.js';
import { pick } from './picker.js';
import { createScorer } from './scorers.js';

/** What the scheduler sees of one endpoint for one request. */
export interface Candidate {
  readonly endpoint: Endpoint;
  readonly load: EndpointLoad;
  readonly trust: Trust;
  /** Leading blocks the endpoint holds, and the same weighted by tier (and trust), in blocks. */
  readonly matchedBlocks: number;
  readonly credit: number;
}

export interface SchedulingRequest {
  /** Full blocks of all prompts; 0 when the prompt is unknown or short. */
  readonly blockCount: number;
  readonly promptTokens: number;
}

/** One scorer's part in a decision. */
export interface ScoreColumn {
  readonly scorer: string;
  readonly weight: number;
  /** Raw scores in [0, 1], one per candidate. */
  readonly raw: Float64Array;
}

export interface Decision {
  /** Index of the chosen candidate. */
  readonly pick: number;
  /** Weighted sums, one per candidate. */
  readonly totals: Float64Array;
  readonly columns: readonly ScoreColumn[];
  /** Candidates in the order they should be tried: the pick first. */
  readonly order: Uint32Array;
  /** How many candidates shared the highest total. */
  readonly tied: number;
}

export interface Scheduler {
  /** REQUIRES: at least one candidate. `random` gives numbers in [0, 1). */
  schedule(
    request: SchedulingRequest,
    candidates: readonly Candidate[],
    random: () => number,
  ): Decision;
  /** Names and weights in use, for people. */
  readonly description: string;
}

export function createScheduler(plan: SchedulingPlan): Scheduler {
  const scorers = plan.scorers.map((entry) => ({ plan: entry, score: createScorer(entry) }));
  return {
    description: [
      ...plan.scorers.map(({ name, weight }) => `${name} x ${weight}`),
      plan.picker,
    ].join(', '),
    schedule(request, candidates, random) {
      const totals = new Float64Array(candidates.length);
      const columns = scorers.map(({ plan: { name, weight }, score }) => {
        const raw = new Float64Array(candidates.length);
        score(request, candidates, raw);
        for (let i = 0; i < raw.length; i++) {
          const clamped = clamp01(raw[i] ?? 0);
          raw[i] = clamped;
          totals[i] = (totals[i] ?? 0) + weight * clamped;
        }
        return { scorer: name, weight, raw };
      });
      const { order, tied } = pick(plan.picker, totals, random);
      return { pick: order[0] ?? 0, totals, columns, order, tied };
    },
  };
}

/** NaN counts as 0: a scorer that cannot tell must not win. */
function clamp01(score: number): number {
  return score > 0 ? Math.min(1, score) : 0;
}
