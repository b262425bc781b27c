// Sends a request to the best endpoint, and to the next best when nothing came of it.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { RouterError } from '../errors.js';
import type { Metrics } from '../metrics.js';
import { UsageReader } from '../openai/usage-reader.js';
import type { PredictedBlocks } from '../prefix/predicted-blocks.js';
import type { RoutingHistory } from '../prefix/routing-history.js';
import type { Forwarder, ForwardOutcome, ForwardRequest } from '../proxy/forwarder.js';
import { AttemptBudget } from './attempt-budget.js';
import type { Choice, Chooser, ChosenCandidate } from './choice.js';
import type { DecisionBook } from './decision-book.js';
import { decisionHeaders } from './decision-headers.js';
import type { DecisionRecord } from './decision-log.js';
import type { Fleet } from './fleet.js';
import { type Journey, mayTryAgain, noEndpoint, type Unanswered } from './journey.js';
import type { LiveEndpoint } from './live-endpoint.js';
import { notesOf } from './request-notes.js';
import { askedRestMs, type RetryPolicy } from './retry-policy.js';
import { holderGone } from './stored-responses.js';

export interface DispatcherParts {
  readonly fleet: Fleet;
  readonly chooser: Chooser;
  readonly predicted: PredictedBlocks;
  readonly history: RoutingHistory;
  readonly forwarder: Forwarder;
  readonly book: DecisionBook;
  readonly metrics: Metrics;
  readonly retry: RetryPolicy;
  /** Endpoints tried for one request, without those that refused the connection. */
  readonly attempts: number;
  /** Whether responses carry the `x-warmpath-*` headers. */
  readonly exposeHeaders: boolean;
}

interface Attempt {
  readonly choice: Choice;
  /** What choosing took, earlier attempts' included. */
  readonly decisionMs: number;
  /** The answer may be declined, since another endpoint can take the request. */
  readonly hasOthers: boolean;
}

/** A refused connection, say: it cost nothing, so that it does not count as an attempt. */
const AT_ONCE_MS = 50;
const NONE: ReadonlySet<number> = new Set();

export class Dispatcher {
  readonly #parts: DispatcherParts;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** Endpoints that a request for a model may go to: whoever said that it is full is asked last, and
   * those in `tried` once no other is left, since an engine that died may be back. */
  candidates(model: string | null, tried: ReadonlySet<number> = NONE): readonly LiveEndpoint[] {
    const { fleet } = this.#parts;
    const known = fleet.available(model);
    // Sooner refused by an engine that is just coming back than by us.
    const available =
      known.length > 0 ? known : fleet.serving(model).filter((live) => live.isReturning);
    // An engine of another model, at an address that changed hands, refuses so quickly that it always
    // seems idle. Where none lists the name, engines may be of a kind that takes any.
    const fitting = preferably(available, (live) => model === null || live.lists(model));
    const endpoints = preferably(fitting, ({ endpoint }) => !tried.has(endpoint.slot));
    return preferably(endpoints, (live) => !live.isResting);
  }

  /** Rejects with RouterError when no endpoint has begun to answer. */
  async send(journey: Journey): Promise<void> {
    const { fleet, chooser, metrics, retry } = this.#parts;
    const tried = new Set<number>();
    /** Those to which we ourselves send no more at the moment. */
    const full = new Set<number>();
    let failure: RouterError | null = null;
    const budget = new AttemptBudget(this.#parts.attempts, () => fleet.losses);
    // What decisions took; not what failed attempts and pauses took.
    let decisionMs = 0;
    let sinceMs = journey.receivedMs + journey.waitedMs;
    retry.earn();
    for (let left = budget.left; left > 0; left = budget.left) {
      const endpoints = this.#concerned(journey, tried).filter(
        ({ endpoint }) => !full.has(endpoint.slot),
      );
      if (endpoints.length === 0) break;
      const choice = chooser.choose(journey.found, journey.models, endpoints);
      chooser.assigned(choice);
      const chosenMs = performance.now();
      decisionMs += chosenMs - sinceMs;
      const { slot } = choice.target.endpoint;
      const isFirst = !tried.has(slot);
      const hasOthers = left > 1 && isFirst && endpoints.length > 1;
      const outcome = await this.#attempt(journey, { choice, decisionMs, hasOthers });
      const wasFree = isFirst && failedAtOnce(outcome, performance.now() - chosenMs);
      tried.add(slot);
      if (!wasFree) budget.use();
      if (outcome.kind === 'declined') {
        metrics.retries.inc({ reason: `engine_${outcome.status}` });
      } else if (outcome.kind === 'unanswered') {
        failure = outcome.error;
        if (failure.source === 'router') full.add(slot);
        if (!mayTryAgain(journey, outcome) || !this.#affords(outcome)) break;
        metrics.retries.inc({ reason: failure.code });
        if (!wasFree) await delay(retry.pauseMs(budget.used));
        if (journey.exchange.aborted) return;
      } else return;
      sinceMs = performance.now();
    }
    if (failure !== null) throw failure;
    throw journey.pinned === null ? noEndpoint(journey.model) : holderGone(journey.pinned);
  }

  /** What never reached an engine costs none of them anything. */
  #affords({ sent }: Unanswered): boolean {
    const { retry, metrics } = this.#parts;
    if (!sent || retry.spend()) return true;
    metrics.retries.inc({ reason: 'over_budget' });
    return false;
  }

  /** A holder that is to get nothing new still answers for what it holds. */
  #concerned({ pinned, model }: Journey, tried: ReadonlySet<number>): readonly LiveEndpoint[] {
    if (pinned === null) return this.candidates(model, tried);
    return pinned.health.healthy && tried.size === 0 ? [pinned] : [];
  }

  /** Books, forwards to one endpoint, and takes the booking back whatever happens. */
  async #attempt(
    journey: Journey,
    { choice, decisionMs, hasOthers }: Attempt,
  ): Promise<ForwardOutcome> {
    const { fleet, predicted, forwarder, metrics, book } = this.#parts;
    const { exchange, found, receivedMs } = journey;
    const { target } = choice;
    const { slot, name, url } = target.endpoint;
    const notes = notesOf(exchange);
    notes.attempts += 1;
    const record = book.enter(choice, found, { decisionMs, attempt: notes.attempts }, notes.ids);
    notes.decision = record;
    notes.waitedMs = journey.waitedMs;
    notes.stream = found?.stream ?? false;
    notes.body = journey.body;
    const eventsThen = target.live.events;
    const { promptTokens, matchedTokens } = record;
    const booking = fleet.book(slot, {
      uncachedTokens: promptTokens - matchedTokens,
      promptTokens,
      streams: found?.stream === true,
    });
    const prediction = predicted.predict(slot, newBlocks(target));
    const usage = new UsageReader();
    let status = 0;
    const firstToken = () => {
      booking.firstToken();
      if (status < 400) {
        prediction.settle();
        this.#remember(target);
      }
      book.firstToken(record, performance.now() - receivedMs);
    };
    try {
      const outcome = await forwarder.forward(
        url,
        this.#request(journey, target, record),
        exchange,
        {
          accepts: (code, headers) => {
            const restMs = askedRestMs(code, headers);
            if (restMs === null) return true;
            target.live.rest(restMs);
            return !hasOthers || !this.#parts.retry.spend();
          },
          onHeaders: (code) => {
            status = code;
          },
          onChunk: (chunk) => {
            if (record.timeToFirstTokenMs === null) firstToken();
            usage.push(chunk);
            notes.chunks += 1;
            if (status < 300) journey.watch?.(target.live, chunk);
          },
        },
      );
      const succeeded = outcome.kind === 'completed' && status < 300;
      if (!succeeded) prediction.cancel();
      fleet.report(target.live, outcome);
      record.outcome = outcome.kind;
      if (outcome.kind !== 'unanswered' && outcome.kind !== 'declined') {
        const code = outcome.kind === 'aborted' ? 499 : status;
        metrics.requests.inc({ model: record.model, endpoint: name, code });
      }
      if (succeeded && exchange.method === 'POST') notes.usage = usage.read();
      if (succeeded && found !== null) {
        book.learn({ record, target, eventsThen }, notes.usage);
      }
      return outcome;
    } finally {
      booking.end();
    }
  }

  /** The prompt is computed. What an engine without events holds now, only we can remember. */
  #remember({ live, match }: ChosenCandidate): void {
    if (match === undefined || match.blockCount === 0) return;
    live.hasStored();
    // The slot of one that left may be another's by now.
    if (!live.isUnproven || !this.#parts.fleet.has(live)) return;
    const capacity = live.metrics?.gpuBlocks ?? null;
    this.#parts.history.record(live.endpoint.slot, match.hashes, capacity);
  }

  #request(journey: Journey, target: ChosenCandidate, record: DecisionRecord): ForwardRequest {
    const { method, path, query, headers } = journey.exchange;
    const notes = notesOf(journey.exchange);
    return {
      method,
      target: query === '' ? path : `${path}?${query}`,
      headers,
      body: method === 'GET' || method === 'HEAD' ? null : journey.body,
      extraRequestHeaders: [...notes.engineHeaders, ...target.live.requestHeaders],
      extraResponseHeaders: this.#parts.exposeHeaders
        ? [...notes.answerHeaders, ...decisionHeaders(record, journey.found !== null)]
        : notes.answerHeaders,
    };
  }
}

/** Those that are so; all of them when none is. */
function preferably(
  endpoints: readonly LiveEndpoint[],
  isSo: (live: LiveEndpoint) => boolean,
): readonly LiveEndpoint[] {
  const preferred = endpoints.filter(isSo);
  return preferred.length > 0 ? preferred : endpoints;
}

function failedAtOnce(outcome: ForwardOutcome, ms: number): boolean {
  return outcome.kind === 'unanswered' && !outcome.sent && ms < AT_ONCE_MS;
}

/** Blocks the request will add to the endpoint's cache, as far as they form one chain. */
function newBlocks({ match, matchedBlocks }: ChosenCandidate): BigUint64Array {
  if (match === undefined || match.promptStarts.length !== 1) return new BigUint64Array(0);
  return match.hashes.subarray(matchedBlocks);
}
