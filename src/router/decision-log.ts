// The last decisions, for people: what was asked, how every endpoint scored, and what came of it.

export interface DecisionCandidate {
  readonly endpoint: string;
  readonly trust: string;
  readonly matchedBlocks: number;
  readonly credit: number;
  readonly inflightRequests: number;
  readonly inflightTokens: number;
  readonly waitingRequests: number;
  readonly total: number;
  /** Scorer name to its weighted score. */
  readonly scores: Readonly<Record<string, number>>;
}

export interface DecisionRecord {
  readonly id: number;
  readonly time: string;
  readonly model: string;
  readonly loraName: string | null;
  readonly promptTokens: number;
  readonly blockCount: number;
  readonly endpoint: string;
  readonly matchedTokens: number;
  readonly trust: string;
  readonly tied: number;
  readonly decisionUs: number;
  readonly stagesUs: Readonly<Record<string, number>>;
  readonly candidates: readonly DecisionCandidate[];
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

  /** Newest first. */
  latest(count: number): readonly DecisionRecord[] {
    return this.#records.slice(-count).reverse();
  }
}
