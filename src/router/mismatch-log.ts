// The last responses whose cached tokens were not those predicted, each with its likely cause.
import type { EventState } from '../events/event-messages.js';
import type { Metrics } from '../metrics.js';
import type { Usage } from '../openai/usage-reader.js';
import type { PrefixIndex } from '../prefix/prefix-index.js';
import type { ChosenCandidate } from './choice.js';
import type { DecisionRecord } from './decision-log.js';

export type MismatchCause =
  /** The engine made another number of tokens of the prompt: tokenizer or template differ. */
  | 'tokens differ'
  /** The endpoint's blocks were forgotten between decision and answer: restart, reset or gap. */
  | 'cache cleared since'
  /** The endpoint has no events; the prediction was a guess. */
  | 'estimate'
  /** The engine held more than was known, and an event has said so meanwhile. */
  | 'event in flight'
  /** The engine held less than was known, and has evicted blocks meanwhile. */
  | 'evicted since'
  /** One block less than known: the engine computes the last one anew (speculative decoding). */
  | 'last-block rule'
  | 'unknown';

export interface Mismatch {
  readonly time: string;
  /** `id` of the decision. */
  readonly decision: number;
  readonly model: string;
  readonly endpoint: string;
  readonly trust: string;
  readonly promptTokens: number;
  readonly predictedTokens: number;
  readonly cachedTokens: number;
  readonly cause: MismatchCause;
}

/** What was decided and when: the endpoint's events as of then. */
export interface Prediction {
  readonly record: DecisionRecord;
  readonly target: ChosenCandidate;
  readonly eventsThen: EventState | null;
}

/** What explains a single mismatch wholly. `evicted since` does not: some block is always evicted. */
const INNOCENT: ReadonlySet<MismatchCause> = new Set([
  'cache cleared since',
  'estimate',
  'last-block rule',
]);

/** Events of the request itself, and those it overtook, have arrived by then. */
const REVIEW_AFTER_MS = 500;

export interface MismatchParts {
  /** Mismatches kept. */
  readonly limit: number;
  readonly index: PrefixIndex;
  readonly metrics: Metrics;
}

export class MismatchLog {
  readonly #parts: MismatchParts;
  readonly #kept: Mismatch[] = [];
  readonly #reviews = new Set<NodeJS.Timeout>();

  constructor(parts: MismatchParts) {
    this.#parts = parts;
  }

  /** Takes note when the engine reports something else than was predicted. */
  compare(prediction: Prediction, usage: Usage, cachedTokens: number): void {
    const { matchedTokens } = prediction.record;
    if (matchedTokens > 0 && cachedTokens >= matchedTokens) {
      prediction.target.live.contradictions.agreed();
    }
    if (matchedTokens === cachedTokens) return;
    // Beyond the bound the oldest would be pushed out unseen anyway.
    if (this.#reviews.size >= this.#parts.limit) return;
    const timer = setTimeout(() => {
      this.#reviews.delete(timer);
      const cause = this.#causeOf(prediction, usage, cachedTokens);
      this.#keep(prediction, cause, cachedTokens);
      this.#doubt(prediction, cause, cachedTokens);
    }, REVIEW_AFTER_MS);
    timer.unref();
    this.#reviews.add(timer);
  }

  /** Newest first. */
  latest(count: number): readonly Mismatch[] {
    return this.#kept.slice(-count).reverse();
  }

  close(): void {
    for (const timer of this.#reviews) clearTimeout(timer);
    this.#reviews.clear();
  }

  #keep({ record, target }: Prediction, cause: MismatchCause, cachedTokens: number): void {
    const { limit, metrics } = this.#parts;
    metrics.matchMismatches.inc({ cause });
    this.#kept.push({
      time: record.time,
      decision: record.id,
      model: record.model,
      endpoint: record.endpoint,
      trust: target.trust,
      promptTokens: record.promptTokens,
      predictedTokens: record.matchedTokens,
      cachedTokens,
      cause,
    });
    if (this.#kept.length > limit) this.#kept.shift();
  }

  #doubt({ record, target }: Prediction, cause: MismatchCause, cachedTokens: number): void {
    const { matchedTokens } = record;
    if (cachedTokens >= matchedTokens || INNOCENT.has(cause)) return;
    const suspect =
      cause === 'tokens differ'
        ? "the tokenizer or the chat template is not the engine's"
        : "are kvEvents and kvReplay this engine's own?";
    target.live.contradictions.contradicted(
      `${cachedTokens} of ${matchedTokens} predicted tokens were cached; ${suspect} "warmpath doctor" tells`,
    );
  }

  #causeOf(
    { record, target, eventsThen }: Prediction,
    usage: Usage,
    cachedTokens: number,
  ): MismatchCause {
    if (usage.promptTokens !== record.promptTokens) return 'tokens differ';
    if (target.trust === 'estimated') return 'estimate';
    const now = target.live.events?.counts;
    const then = eventsThen?.counts;
    if (now === undefined || then === undefined) return 'unknown';
    const forgotten = ({ restarts, gaps, cleared }: typeof now) => restarts + gaps + cleared;
    if (forgotten(now) > forgotten(then)) return 'cache cleared since';
    const predictedTokens = record.matchedTokens;
    if (cachedTokens > predictedTokens) {
      return this.#creditedTokens(target) >= cachedTokens ? 'event in flight' : 'unknown';
    }
    if (now.removed > then.removed) return 'evicted since';
    return predictedTokens - cachedTokens === target.blockSizeTokens
      ? 'last-block rule'
      : 'unknown';
  }

  /** Tokens of the prompt that the endpoint is credited with by now. What an engine takes from its
   * cache it does not announce again, so blocks that it hit came with other events. */
  #creditedTokens({ match, endpoint, blockSizeTokens }: ChosenCandidate): number {
    if (match === undefined) return 0;
    const { hashes, promptStarts } = match;
    let blocks = 0;
    promptStarts.forEach((start, prompt) => {
      const triples = this.#parts.index.match(hashes.subarray(start, promptStarts[prompt + 1]));
      for (let i = 0; i < triples.length; i += 3) {
        if (triples[i] === endpoint.slot) blocks += triples[i + 1] ?? 0;
      }
    });
    return blocks * blockSizeTokens;
  }
}
