// Control calls through the router: one call reaches every engine it is about, and what it does to
// their caches is known here before the engines announce it, which an idle engine does only with its
// next step.
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import type { Metrics } from '../metrics.js';
import { namedModel } from '../openai/named-model.js';
import type { Forwarder } from '../proxy/forwarder.js';
import { answerControl, type NamedReply } from './control-answer.js';
import type { ControlCall, ControlEffect } from './control-calls.js';
import { askEngine } from './engine-question.js';
import type { Fleet } from './fleet.js';
import type { LiveEndpoint } from './live-endpoint.js';

export interface EngineControlParts {
  readonly fleet: Fleet;
  readonly forwarder: Forwarder;
  readonly metrics: Metrics;
  readonly bodyLimitBytes: number;
  /** Whether vLLM's development calls pass. */
  readonly devRoutes: boolean;
}

/** Endpoints a call is about: names with commas between them. */
const ENDPOINT_HEADER = 'x-warmpath-endpoint';
/** Model whose engines a call is about. */
const MODEL_HEADER = 'x-warmpath-model';
/** Engines asked at a time: a fleet of a thousand must not need a thousand sockets at once. */
const CALLS_AT_ONCE = 64;

export class EngineControl {
  readonly #parts: EngineControlParts;

  constructor(parts: EngineControlParts) {
    this.#parts = parts;
  }

  /** Rejects with RouterError when no engine is concerned or the call is not allowed. */
  async pass(exchange: Exchange, call: ControlCall): Promise<void> {
    if (call.development && !this.#parts.devRoutes) {
      const text = `${exchange.path} is a development call; devRoutes: true in the configuration lets it pass`;
      throw new RouterError('not_found', text);
    }
    const body = await exchange.readBody(this.#parts.bodyLimitBytes);
    const engines = engineList(this.#concerned(exchange, body, call));
    const replies: NamedReply[] = [];
    for (let at = 0; at < engines.length && !exchange.aborted; at += CALLS_AT_ONCE) {
      const some = engines.slice(at, at + CALLS_AT_ONCE);
      replies.push(
        ...(await Promise.all(some.map((one) => this.#call(exchange, body, call, one)))),
      );
    }
    answerControl(exchange, call.effect, replies);
  }

  /** Endpoints that the client names, else those of the model it names, else all: also those that
   * are asleep or out, or nothing could wake them. */
  #concerned(
    exchange: Exchange,
    body: Uint8Array,
    { effect }: ControlCall,
  ): readonly LiveEndpoint[] {
    const { fleet } = this.#parts;
    const named = exchange.header(ENDPOINT_HEADER);
    if (named !== undefined) {
      return named.split(',').map((name) => endpointNamed(fleet, name.trim()));
    }
    const model =
      exchange.header(MODEL_HEADER) ?? namedModel(exchange.header('content-type') ?? '', body);
    const endpoints = model === null ? fleet.all : fleet.serving(model);
    const models = new Set(endpoints.map(({ endpoint }) => endpoint.model));
    if (effect.kind === 'adapters' && models.size > 1) {
      const text = `an adapter belongs to one of several models: name it with ${MODEL_HEADER}`;
      throw new RouterError('invalid_request', text, { param: MODEL_HEADER });
    }
    if (endpoints.length > 0) return endpoints;
    if (model === null) throw new RouterError('no_endpoint', 'there is no endpoint');
    throw new RouterError('model_not_found', `The model \`${model}\` does not exist.`, {
      param: MODEL_HEADER,
    });
  }

  async #call(
    exchange: Exchange,
    body: Uint8Array,
    { effect }: ControlCall,
    ranks: readonly [LiveEndpoint, ...LiveEndpoint[]],
  ): Promise<NamedReply> {
    const { forwarder, metrics } = this.#parts;
    const { name, url } = ranks[0].endpoint;
    const { method, path, query, headers } = exchange;
    const question = { method, path, query, headers, body };
    const reply = await askEngine(forwarder, url, question, (answer) =>
      exchange.onAbort(() => answer.abort()),
    );
    metrics.requests.inc({ model: '', endpoint: name, code: reply.status });
    if (reply.succeeded) {
      const effects = ranks.map((live) => this.#applyEffect(live, effect, `${method} ${path}`));
      await Promise.all(effects);
    }
    return { endpoint: name, reply };
  }

  async #applyEffect(live: LiveEndpoint, effect: ControlEffect, call: string): Promise<void> {
    const { fleet } = this.#parts;
    switch (effect.kind) {
      case 'none':
        break;
      case 'clears':
        fleet.cleared(live, `${call} through the router`, effect.everywhere);
        if (effect.sleeps) live.sleeping(true);
        break;
      case 'wakes':
        live.sleeping(false);
        break;
      case 'adapters':
        // Requests for the adapter may follow at once.
        await fleet.refresh([live]);
        break;
    }
  }
}

/** Data-parallel ranks are endpoints of their own behind one server, which is called once. */
function engineList(
  endpoints: readonly LiveEndpoint[],
): readonly (readonly [LiveEndpoint, ...LiveEndpoint[]])[] {
  const byUrl = new Map<string, [LiveEndpoint, ...LiveEndpoint[]]>();
  for (const live of new Set(endpoints)) {
    const known = byUrl.get(live.endpoint.url);
    if (known === undefined) byUrl.set(live.endpoint.url, [live]);
    else known.push(live);
  }
  return [...byUrl.values()];
}

function endpointNamed(fleet: Fleet, name: string): LiveEndpoint {
  const found = fleet.all.find(({ endpoint }) => endpoint.name === name);
  if (found !== undefined) return found;
  throw new RouterError('not_found', `there is no endpoint ${JSON.stringify(name)}`, {
    param: ENDPOINT_HEADER,
  });
}
