// CandidateTable: every endpoint's part in one decision, kept compactly and written out only for people.
import type { Endpoint, Trust } from '../endpoint/endpoint.js';
import type { Candidate, Decision } from '../scheduler/scheduler.js';

export interface DecisionCandidate {
  readonly endpoint: string;
  readonly trust: Trust;
  /** Leading blocks it held, of `blockCount` in its own block size. */
  readonly matchedBlocks: number;
  /** Blocks after those that requests in flight were about to put there. */
  readonly predictedBlocks: number;
  readonly blockCount: number;
  readonly blockSizeTokens: number;
  /** The same weighted by trust and tier, with predicted blocks, in blocks. */
  readonly credit: number;
  readonly inflightRequests: number;
  readonly inflightTokens: number;
  readonly inflightContextTokens: number;
  readonly recentTokens: number;
  readonly otherRequests: number;
  readonly otherTokens: number;
  readonly waitingRequests: number;
  readonly runningRequests: number;
  readonly kvCacheUsage: number;
  /** null: not known yet. */
  readonly prefillMsPerToken: number | null;
  /** Taken out by a filter before anything was scored. */
  readonly filteredOut: boolean;
  /** null: filtered out. */
  readonly total: number | null;
  /** Scorer name to its weighted score. */
  readonly scores: Readonly<Record<string, number>>;
  /** Scorer name to its score before the weight, 0 to 1. */
  readonly rawScores: Readonly<Record<string, number>>;
}

/** A decision and the candidates it was made of, in the same order. */
export interface ScoredCandidates {
  readonly candidates: readonly Candidate[];
  readonly decision: Decision;
}

/** Numbers kept of each candidate, in this order. */
const FIELDS = [
  'matchedBlocks',
  'predictedBlocks',
  'blockCount',
  'blockSizeTokens',
  'credit',
] as const;
const LOAD_FIELDS = [
  'inflightRequests',
  'inflightTokens',
  'inflightContextTokens',
  'recentTokens',
  'otherRequests',
  'otherTokens',
  'waitingRequests',
  'runningRequests',
  'kvCacheUsage',
  'prefillMsPerToken',
] as const;
const WIDTH = FIELDS.length + LOAD_FIELDS.length;

export class CandidateTable {
  readonly #endpoints: readonly Endpoint[];
  readonly #trusts: readonly Trust[];
  readonly #numbers: Float64Array;
  readonly #decision: Decision;

  /** Copies what will change: candidates hold views of the load as it is now, and whole chains of
   * hashes that nobody will need again. */
  constructor({ candidates, decision }: ScoredCandidates) {
    this.#endpoints = candidates.map(({ endpoint }) => endpoint);
    this.#trusts = candidates.map(({ trust }) => trust);
    this.#numbers = new Float64Array(WIDTH * candidates.length);
    this.#decision = decision;
    let at = 0;
    for (const candidate of candidates) {
      const { load } = candidate;
      for (const field of FIELDS) this.#numbers[at++] = candidate[field];
      for (const field of LOAD_FIELDS) this.#numbers[at++] = load[field] ?? Number.NaN;
    }
  }

  get length(): number {
    return this.#endpoints.length;
  }

  /** Scorer name to weight. */
  get weights(): Readonly<Record<string, number>> {
    const { columns } = this.#decision;
    return Object.fromEntries(columns.map(({ scorer, weight }) => [scorer, weight]));
  }

  /** Weighted scores of the endpoint that was picked, by scorer. */
  get pickedScores(): Readonly<Record<string, number>> {
    return this.#scores(this.#decision.pick, true);
  }

  toJSON(): readonly DecisionCandidate[] {
    return this.#endpoints.map(({ name }, at) => {
      const total = this.#decision.totals[at] ?? 0;
      const filteredOut = total === Number.NEGATIVE_INFINITY;
      const own = (field: (typeof FIELDS)[number]) =>
        this.#numbers[at * WIDTH + FIELDS.indexOf(field)] ?? 0;
      const load = (field: (typeof LOAD_FIELDS)[number]) =>
        this.#numbers[at * WIDTH + FIELDS.length + LOAD_FIELDS.indexOf(field)] ?? 0;
      const msPerToken = load('prefillMsPerToken');
      return {
        endpoint: name,
        trust: this.#trusts[at] ?? 'none',
        matchedBlocks: own('matchedBlocks'),
        predictedBlocks: own('predictedBlocks'),
        blockCount: own('blockCount'),
        blockSizeTokens: own('blockSizeTokens'),
        credit: own('credit'),
        inflightRequests: load('inflightRequests'),
        inflightTokens: load('inflightTokens'),
        inflightContextTokens: load('inflightContextTokens'),
        recentTokens: load('recentTokens'),
        otherRequests: load('otherRequests'),
        otherTokens: load('otherTokens'),
        waitingRequests: load('waitingRequests'),
        runningRequests: load('runningRequests'),
        kvCacheUsage: load('kvCacheUsage'),
        prefillMsPerToken: Number.isNaN(msPerToken) ? null : msPerToken,
        filteredOut,
        total: filteredOut ? null : total,
        scores: this.#scores(at, true),
        rawScores: this.#scores(at, false),
      };
    });
  }

  #scores(at: number, weighted: boolean): Record<string, number> {
    return Object.fromEntries(
      this.#decision.columns.map(({ scorer, weight, raw }) => {
        return [scorer, (weighted ? weight : 1) * (raw[at] ?? 0)];
      }),
    );
  }
}
