// Scheduling: filter, weighted sum of scores, pick. Pure: no I/O, no clock, no dice of its own.
import type { SchedulingPlan } from '../config/scheduling-plan.js';
import type { Endpoint, EndpointLoad, Trust } from '../endpoint/endpoint.js';
import { createFilter } from './filters.js';
import { createPicker, type Picker } from './picker.js';
import { createScorer } from './scorers.js';

/** What the scheduler sees of one endpoint for one request. */
export interface Candidate {
  readonly endpoint: Endpoint;
  readonly load: EndpointLoad;
  readonly trust: Trust;
  /** Leading blocks the endpoint holds, and the same weighted by tier (and trust), in blocks. */
  readonly matchedBlocks: number;
  /** Blocks after those that requests in flight are about to put there. */
  readonly predictedBlocks: number;
  readonly credit: number;
  /** Full blocks of all prompts in this endpoint's block size, which may differ from another's; 0
   * when the prompt is unknown or short. */
  readonly blockCount: number;
  readonly blockSizeTokens: number;
}

export interface SchedulingRequest {
  readonly promptTokens: number;
  /** Adapter the client named; null: the base model. */
  readonly loraName: string | null;
  /** Requests of the last ten seconds with the longest prefix that any candidate holds. */
  readonly prefixHeat: number;
}

export interface ScoreColumn {
  readonly scorer: string;
  readonly weight: number;
  /** Scores in [0, 1], one per candidate. */
  readonly raw: Float64Array;
}

/** Belongs to the caller: its arrays are new for every decision and never written again. */
export interface Decision {
  /** Index of the chosen candidate. */
  readonly pick: number;
  /** Weighted sums, one per candidate; -Infinity for one that a filter took out. */
  readonly totals: Float64Array;
  readonly columns: readonly ScoreColumn[];
  /** Candidates in the order they should be tried, the pick first; at most ATTEMPT_ORDER of them. */
  readonly order: Uint32Array;
  /** How many candidates shared the highest total. */
  readonly tied: number;
}

export interface Scheduler {
  /** REQUIRES: at least one candidate. `random` gives numbers in [0, 1). Changes nothing. */
  schedule(
    request: SchedulingRequest,
    candidates: readonly Candidate[],
    random: () => number,
  ): Decision;
  /** Tells scorers with a memory that a request really goes to this candidate. */
  assigned(request: SchedulingRequest, candidate: Candidate): void;
  /** Names and weights in use, for people. */
  readonly description: string;
}

/** As many endpoints as a request may ever be tried on; sorting more would be for nothing. */
const ATTEMPT_ORDER = 8;

export function createScheduler(plan: SchedulingPlan): Scheduler {
  const scorers = plan.scorers.map((scorer) => ({ ...scorer, score: createScorer(scorer) }));
  const filters = plan.filters.map(createFilter);
  const pick = createPicker(plan.picker);
  const parts = scorers.map(({ name, weight }) => `${weight} x ${name}`);
  const description = [...plan.filters.map(({ name }) => name), parts.join(' + '), plan.picker];
  return {
    description: description.filter((part) => part !== '').join(', '),
    schedule(request, candidates, random) {
      const kept = filters.reduce((rest, filter) => filter(rest, random), candidates);
      const totals = new Float64Array(kept.length);
      const columns = scorers.map(({ name: scorer, weight, score }) => {
        const raw = new Float64Array(kept.length);
        score.score(request, kept, raw);
        for (let i = 0; i < raw.length; i += 1) {
          const clamped = clamp01(raw[i] ?? 0);
          raw[i] = clamped;
          totals[i] = (totals[i] ?? 0) + weight * clamped;
        }
        return { scorer, weight, raw };
      });
      const scored = { totals, columns };
      return decide(kept === candidates ? scored : spread(scored, kept, candidates), pick, random);
    },
    assigned(request, candidate) {
      for (const { score } of scorers) score.assigned?.(request, candidate);
    },
  };
}

type Scored = Pick<Decision, 'totals' | 'columns'>;

function decide({ totals, columns }: Scored, pick: Picker, random: () => number): Decision {
  const order = new Uint32Array(Math.min(totals.length, ATTEMPT_ORDER));
  const tied = pick(totals, random, order);
  return { pick: order[0] ?? 0, totals, columns, order, tied };
}

/** Scores of the candidates that filters kept, in the places of all candidates. */
function spread(
  { totals, columns }: Scored,
  kept: readonly Candidate[],
  candidates: readonly Candidate[],
): Scored {
  const places: number[] = [];
  for (const [i, candidate] of candidates.entries()) {
    if (candidate === kept[places.length]) places.push(i);
  }
  const placed = (values: Float64Array, absent: number) => {
    const wide = new Float64Array(candidates.length).fill(absent);
    for (const [from, to] of places.entries()) wide[to] = values[from] ?? absent;
    return wide;
  };
  return {
    totals: placed(totals, Number.NEGATIVE_INFINITY),
    columns: columns.map((column) => ({ ...column, raw: placed(column.raw, 0) })),
  };
}

/** The one place that keeps scores in range; what is not a number counts as the worst. */
function clamp01(score: number): number {
  return score > 0 ? Math.min(score, 1) : 0;
}
