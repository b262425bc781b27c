// The read path on one screen: match (in the pool) > score > pick > book > forward.
import { performance } from 'node:perf_hooks';
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import type { RequestShape } from '../inference-request.js';
import type { Metrics } from '../metrics.js';
import { namedModel } from '../openai/named-model.js';
import { previousResponseId } from '../openai/response-id.js';
import type { MatchFound, MatchReply, MatchTask } from '../tokenizer/match-task.js';
import type { Chooser } from './choice.js';
import type { DecisionBook } from './decision-book.js';
import type { DecisionRecord } from './decision-log.js';
import { type Dispatcher, noEndpoint } from './dispatcher.js';
import type { Fleet } from './fleet.js';
import type { StoredResponses } from './stored-responses.js';
import type { TokenParity } from './token-parity.js';

export interface RouterParts {
  readonly matcher: { match(task: MatchTask): Promise<MatchReply> };
  readonly fleet: Fleet;
  readonly chooser: Chooser;
  readonly dispatcher: Dispatcher;
  readonly book: DecisionBook;
  readonly responses: StoredResponses;
  readonly metrics: Metrics;
  readonly parity: TokenParity;
  readonly bodyLimitBytes: number;
}

export class Router {
  readonly #parts: RouterParts;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** Answers a generation request by prefix. Rejects with RouterError when no answer has begun. */
  async route(exchange: Exchange, shape: RequestShape): Promise<void> {
    const { fleet, dispatcher, responses, parity, bodyLimitBytes } = this.#parts;
    const body = await exchange.readBody(bodyLimitBytes);
    const receivedMs = performance.now();
    const models = fleet.models();
    const found = await this.#match({ shape, body, models: models.forPool });
    const model = found === null ? null : (found.loraName ?? found.model);
    const journey = { exchange, body, found, model, models, receivedMs, repeatable: true };
    if (shape !== 'responses') {
      if (exchange.aborted) return;
      await dispatcher.send({ ...journey, pinned: null, watch: null });
      // The answer is out: nobody waits for this.
      if (found !== null && found.unmatched === null) {
        const { headers } = exchange;
        void parity.sample({ shape, body, headers, models: models.forPool, model });
      }
      return;
    }
    const previous = previousResponseId(body);
    const pinned = previous === null ? null : await responses.holderOf(previous, exchange.headers);
    if (exchange.aborted) return;
    return dispatcher.send({ ...journey, pinned, watch: responses.watcher() });
  }

  /** Forwards any other request to the least loaded endpoint, of its model where it names one. */
  async relay(exchange: Exchange, repeatable: boolean): Promise<void> {
    const { fleet, dispatcher, bodyLimitBytes } = this.#parts;
    const body = await exchange.readBody(bodyLimitBytes);
    const receivedMs = performance.now();
    const named = namedModel(exchange.header('content-type') ?? '', body);
    const model = named !== null && fleet.knows(named) ? named : null;
    const journey = { exchange, body, found: null, model, models: fleet.models(), receivedMs };
    await dispatcher.send({ ...journey, repeatable, pinned: null, watch: null });
  }

  /** Forwards a request about a stored response to the endpoint that holds it. */
  async relayToHolder(exchange: Exchange, id: string): Promise<void> {
    const { fleet, dispatcher, responses, bodyLimitBytes } = this.#parts;
    const body = await exchange.readBody(bodyLimitBytes);
    const receivedMs = performance.now();
    const pinned = await responses.holderOf(id, exchange.headers);
    if (exchange.aborted) return;
    const journey = { exchange, body, found: null, model: null, models: fleet.models() };
    await dispatcher.send({ ...journey, receivedMs, repeatable: true, pinned, watch: null });
  }

  /** The decision for a body, without sending or booking anything. */
  async explain(shape: RequestShape, body: Uint8Array): Promise<DecisionRecord> {
    const receivedMs = performance.now();
    const models = this.#parts.fleet.models();
    const found = await this.#match({ shape, body, models: models.forPool });
    const model = found === null ? null : (found.loraName ?? found.model);
    const endpoints = this.#parts.dispatcher.endpoints(model);
    if (endpoints.length === 0) throw noEndpoint(model);
    const choice = this.#parts.chooser.choose(found, models, endpoints);
    return this.#parts.book.describe(choice, found, performance.now() - receivedMs);
  }

  /** null: the pool could not tell, and load alone shall decide. */
  async #match(task: MatchTask): Promise<MatchFound | null> {
    const reply = await this.#parts.matcher.match(task);
    if (reply.ok) {
      if (reply.unmatched !== null) {
        this.#parts.metrics.unscheduled.inc({ reason: reply.unmatched });
      }
      return reply;
    }
    const { code, message, param } = reply;
    if (code !== 'internal') throw new RouterError(code, message, param === null ? {} : { param });
    this.#parts.metrics.unscheduled.inc({ reason: code });
    return null;
  }
}
