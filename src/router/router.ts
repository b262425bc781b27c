// The read path on one screen: match (in the pool) > score > pick > book > forward.
import { performance } from 'node:perf_hooks';
import { RouterError } from '../errors.js';
import type { Exchange, HeaderList } from '../http/exchange.js';
import type { RequestShape } from '../inference-request.js';
import type { Metrics } from '../metrics.js';
import { namedFields } from '../openai/named-fields.js';
import { previousResponseId } from '../openai/response-id.js';
import type { MatchFound, MatchReply, MatchTask } from '../tokenizer/match-task.js';
import type { Admission } from './admission.js';
import type { Chooser } from './choice.js';
import type { DecisionBook } from './decision-book.js';
import type { DecisionRecord } from './decision-log.js';
import type { Dispatcher } from './dispatcher.js';
import type { Fleet } from './fleet.js';
import { type Journey, noEndpoint } from './journey.js';
import type { StoredResponses } from './stored-responses.js';
import type { TokenParity } from './token-parity.js';

export interface RouterParts {
  readonly matcher: { match(task: MatchTask, headers: HeaderList): Promise<MatchReply> };
  readonly fleet: Fleet;
  readonly chooser: Chooser;
  readonly dispatcher: Dispatcher;
  readonly book: DecisionBook;
  readonly responses: StoredResponses;
  readonly admission: Admission;
  readonly metrics: Metrics;
  readonly parity: TokenParity;
  readonly bodyLimitBytes: number;
}

/** Of matches that waited longer with their request too little may be left. */
const STALE_MS = 1000;

type Look = Pick<Journey, 'found' | 'model' | 'models'> & {
  /** Why load alone decides; null: the prompt is matched. */
  readonly unscheduled: string | null;
};

/** What explaining takes besides a body. */
export interface ExplainWish {
  readonly headers: HeaderList;
  /** The explanation carries the rendered prompt and its token ids. */
  readonly showsPrompt: boolean;
}

export type Explanation = DecisionRecord & {
  readonly prompts?: readonly ExplainedPrompt[];
};

export interface ExplainedPrompt {
  /** null: it came as token ids, or an engine made them. */
  readonly text: string | null;
  /** null: not known to the end. */
  readonly tokenIds: readonly number[] | null;
}

export class Router {
  readonly #parts: RouterParts;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** Answers a generation request by prefix. Rejects with RouterError when no answer has begun. */
  async route(exchange: Exchange, shape: RequestShape): Promise<void> {
    const { dispatcher, responses, admission, metrics, bodyLimitBytes } = this.#parts;
    const body = await exchange.readBody(bodyLimitBytes);
    const receivedMs = performance.now();
    let look = await this.#look(shape, body, exchange.headers);
    const isStored = shape === 'responses';
    const previous = isStored ? previousResponseId(body) : null;
    const pinned = previous === null ? null : await responses.holderOf(previous, exchange.headers);
    const lookedMs = performance.now();
    const leave = await admission.enter(exchange, look.found?.model ?? '', look.found?.priority);
    try {
      const waitedMs = performance.now() - lookedMs;
      // Engines that were full have other blocks by now.
      if (waitedMs > STALE_MS) look = await this.#look(shape, body, exchange.headers);
      if (look.unscheduled !== null) metrics.unscheduled.inc({ reason: look.unscheduled });
      if (exchange.aborted) return;
      // From here on the engines' refusals are the only ones, and may come late.
      if (look.found?.stream === true) exchange.expectStream?.();
      const watch = isStored ? responses.watcher() : null;
      const journey = { exchange, body, ...look, receivedMs, waitedMs, repeatable: true };
      await dispatcher.send({ ...journey, pinned, watch });
    } finally {
      leave();
    }
    this.#checkParity(exchange, shape, body, look);
  }

  /** Forwards any other request to the least loaded endpoint, of its model where it names one. */
  async relay(exchange: Exchange, repeatable: boolean): Promise<void> {
    const { fleet, dispatcher, admission, bodyLimitBytes } = this.#parts;
    const body = await exchange.readBody(bodyLimitBytes);
    const receivedMs = performance.now();
    const named = namedFields(exchange.header('content-type') ?? '', body);
    const model = named.model !== null && fleet.knows(named.model) ? named.model : null;
    // Only what costs an engine work has to wait for a place.
    const isWork = exchange.method === 'POST';
    const leave = isWork ? await admission.enter(exchange, model ?? '', named.priority) : null;
    try {
      const waitedMs = performance.now() - receivedMs;
      const journey = { exchange, body, found: null, model, models: fleet.models(), receivedMs };
      await dispatcher.send({ ...journey, waitedMs, repeatable, pinned: null, watch: null });
    } finally {
      leave?.();
    }
  }

  /** Forwards a request about a stored response to the endpoint that holds it. */
  async relayToHolder(exchange: Exchange, id: string): Promise<void> {
    const { fleet, dispatcher, responses, bodyLimitBytes } = this.#parts;
    const body = await exchange.readBody(bodyLimitBytes);
    const receivedMs = performance.now();
    const pinned = await responses.holderOf(id, exchange.headers);
    if (exchange.aborted) return;
    const journey = { exchange, body, found: null, model: null, models: fleet.models() };
    await dispatcher.send({
      ...journey,
      ...{ receivedMs, waitedMs: 0, repeatable: true, pinned, watch: null },
    });
  }

  /** The decision for a body, without sending, booking or counting anything. */
  async explain(
    shape: RequestShape,
    body: Uint8Array,
    { headers, showsPrompt }: ExplainWish = { headers: [], showsPrompt: false },
  ): Promise<Explanation> {
    const receivedMs = performance.now();
    const { found, model, models } = await this.#look(shape, body, headers, showsPrompt);
    const endpoints = this.#parts.dispatcher.candidates(model);
    if (endpoints.length === 0) throw noEndpoint(model);
    const choice = this.#parts.chooser.choose(found, models, endpoints);
    const decisionMs = performance.now() - receivedMs;
    const record = this.#parts.book.describe(choice, found, { decisionMs, attempt: 1 });
    return showsPrompt && found !== null ? { ...record, prompts: promptsOf(found) } : record;
  }

  /** The answer is out: nobody waits for this. */
  #checkParity(
    { headers }: Exchange,
    shape: RequestShape,
    body: Uint8Array,
    { found, model, models }: Look,
  ): void {
    if (found === null || found.unmatched !== null || found.rendered !== null) return;
    void this.#parts.parity.sample({ shape, body, headers, models: models.forPool, model });
  }

  /** The prompt's matches, and under which models they were found. */
  async #look(
    shape: RequestShape,
    body: Uint8Array,
    headers: HeaderList,
    withTokens = false,
  ): Promise<Look> {
    const models = this.#parts.fleet.models();
    const task: MatchTask = { shape, body, models: models.forPool };
    const reply = await this.#parts.matcher.match(
      withTokens ? { ...task, withTokens } : task,
      headers,
    );
    if (reply.ok) {
      const { loraName, model, unmatched } = reply;
      return { found: reply, model: loraName ?? model, models, unscheduled: unmatched };
    }
    const { code, message, param } = reply;
    if (code !== 'internal') throw new RouterError(code, message, param === null ? {} : { param });
    // The pool could not tell, and load alone shall decide: among those that serve the model.
    const named = namedFields('application/json', body).model;
    const model = named !== null && this.#parts.fleet.knows(named) ? named : null;
    return { found: null, model, models, unscheduled: code };
  }
}

function promptsOf({ texts, tokens }: MatchFound): ExplainedPrompt[] {
  return (texts ?? []).map((text, i) => {
    const ids = tokens?.[i];
    return { text, tokenIds: ids === undefined ? null : [...ids] };
  });
}
