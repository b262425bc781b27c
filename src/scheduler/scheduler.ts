// Scheduling: filter, weighted sum of scores, pick. Pure: no I/O, no clock, no dice of its own.
import type { Endpoint, EndpointLoad, Trust } from '../endpoint/endpoint.js';

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

/** Adds weight x clamp01(score) of every candidate to `scores`; `scores[i]` is candidate i's. */
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
