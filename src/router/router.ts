// The read path on one screen: match (in the pool) > score > pick > book > forward.
import { performance } from 'node:perf_hooks';
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import type { RequestShape } from '../inference-request.js';
import type { Metrics } from '../metrics.js';
import type { MatchFound, MatchReply, MatchTask } from '../tokenizer/match-task.js';
import type { Chooser } from './choice.js';
import type { DecisionBook } from './decision-book.js';
import type { DecisionRecord } from './decision-log.js';
import { type Dispatcher, noEndpoint } from './dispatcher.js';
import type { Fleet } from './fleet.js';

export interface RouterParts {
  readonly matcher: { match(task: MatchTask): Promise<MatchReply> };
  readonly fleet: Fleet;
  readonly chooser: Chooser;
  readonly dispatcher: Dispatcher;
  readonly book: DecisionBook;
  readonly metrics: Metrics;
  readonly bodyLimitBytes: number;
}

export class Router {
  readonly #parts: RouterParts;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** Answers a generation request by prefix. Rejects with RouterError when no answer has begun. */
  async route(exchange: Exchange, shape: RequestShape): Promise<void> {
    const body = await exchange.readBody(this.#parts.bodyLimitBytes);
    const receivedMs = performance.now();
    const models = this.#parts.fleet.models();
    const found = await this.#match({ shape, body, models: models.forPool });
    if (exchange.aborted) return;
    const model = found === null ? null : (found.loraName ?? found.model);
    await this.#parts.dispatcher.send({ exchange, body, found, model, models, receivedMs });
  }

  /** Forwards any other request to the least loaded endpoint, of its model where it names one. */
  async relay(exchange: Exchange): Promise<void> {
    const body = await exchange.readBody(this.#parts.bodyLimitBytes);
    const receivedMs = performance.now();
    const models = this.#parts.fleet.models();
    const named = modelOf(exchange, body);
    const model = named !== null && this.#parts.fleet.knows(named) ? named : null;
    await this.#parts.dispatcher.send({ exchange, body, found: null, model, models, receivedMs });
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

/** The `model` of a JSON body, if it can be had cheaply: a wrong guess only widens the choice. */
export function modelOf(exchange: Exchange, body: Uint8Array): string | null {
  if (body.length === 0 || exchange.header('content-type')?.includes('json') !== true) return null;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(body).toString());
    if (typeof parsed !== 'object' || parsed === null || !('model' in parsed)) return null;
    return typeof parsed.model === 'string' ? parsed.model : null;
  } catch {
    // Not JSON after all: the engine will say so better than we could.
    return null;
  }
}
