// The last decisions, for people: what was asked, how every endpoint scored, and what came of it.
import type { Trust } from '../endpoint/endpoint.js';
import type { CandidateTable } from './candidate-table.js';
import type { RequestIds } from './request-ids.js';

export interface DecisionRecord extends RequestIds {
  readonly id: number;
  readonly time: string;
  /** 2 and more: the endpoints before it failed or had too much to do. */
  readonly attempt: number;
  /** Empty: the request was only passed on. */
  readonly model: string;
  readonly loraName: string | null;
  readonly promptTokens: number;
  /** Requests of the ten seconds before with the longest prefix that any endpoint held. */
  readonly prefixHeat: number;
  /** Full blocks of the prompt in the block size of the endpoint that was picked. */
  readonly blockCount: number;
  readonly blockSizeTokens: number;
  readonly endpoint: string;
  readonly matchedTokens: number;
  readonly trust: Trust;
  /** Why the prompt was not matched; null: it was. */
  readonly unmatched: string | null;
  /** Filters, scorers with their weights, and picker. */
  readonly plan: string;
  /** Scorer name to weight. */
  readonly weights: Readonly<Record<string, number>>;
  /** How many endpoints shared the highest total. */
  readonly tied: number;
  readonly decisionUs: number;
  readonly stagesUs: Readonly<Record<string, number>>;
  /** Becomes DecisionCandidate[] in JSON. */
  readonly candidates: CandidateTable;
  /** Filled in when the answer has ended. */
  outcome: string | null;
  cachedTokens: number | null;
  timeToFirstTokenMs: number | null;
}

export class DecisionLog {
  readonly #records: DecisionRecord[] = [];
  readonly #limit: number;
  #next = 0;

  /** Keeps the last `limit` decisions. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  nextId(): number {
    return this.#next++;
  }

  add(record: DecisionRecord): void {
    this.#records.push(record);
    if (this.#records.length > this.#limit) this.#records.shift();
  }

  /** undefined: never made, or too long ago. */
  find(id: number): DecisionRecord | undefined {
    return this.#records.findLast((record) => record.id === id);
  }

  /** Newest first. */
  latest(count: number): readonly DecisionRecord[] {
    return this.#records.slice(-count).reverse();
  }
}
