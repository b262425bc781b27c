// Control calls through the router: one call reaches every engine it is about, and what it does to
// their caches is known here before the engines announce it, which an idle engine does only with its
// next step.
import { RouterError } from '../errors.js';
import type { Exchange, HeaderList } from '../http/exchange.js';
import type { Metrics } from '../metrics.js';
import { namedFields } from '../openai/named-fields.js';
import type { Forwarder } from '../proxy/forwarder.js';
import { replaceHeaders } from '../proxy/hop-headers.js';
import { CollectedAnswer } from './collected-answer.js';
import type { ControlCall } from './control-calls.js';
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
const JSON_TYPE: HeaderList = [['content-type', 'application/json']];
/** Engines asked at a time: a fleet of a thousand must not need a thousand sockets at once. */
const CALLS_AT_ONCE = 64;

interface EngineAnswer {
  readonly endpoint: string;
  readonly status: number;
  readonly body: unknown;
}

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
    const engines = engineList(this.#concerned(exchange, body));
    const answers: EngineAnswer[] = [];
    for (let at = 0; at < engines.length && !exchange.aborted; at += CALLS_AT_ONCE) {
      const some = engines.slice(at, at + CALLS_AT_ONCE);
      answers.push(
        ...(await Promise.all(some.map((one) => this.#call(exchange, body, call, one)))),
      );
    }
    respond(exchange, answers);
  }

  /** Endpoints that the client names, else those of the model it names, else all: also those that
   * are asleep or out, or nothing could wake them. */
  #concerned(exchange: Exchange, body: Uint8Array): readonly LiveEndpoint[] {
    const { fleet } = this.#parts;
    const named = exchange.header(ENDPOINT_HEADER);
    if (named !== undefined) {
      return named.split(',').map((name) => endpointNamed(fleet, name.trim()));
    }
    const model =
      exchange.header(MODEL_HEADER) ??
      namedFields(exchange.header('content-type') ?? '', body).model;
    const endpoints = model === null ? fleet.all : fleet.serving(model);
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
  ): Promise<EngineAnswer> {
    const { forwarder, metrics } = this.#parts;
    const { name, url } = ranks[0].endpoint;
    const { method, path, query, headers } = exchange;
    const answer = new CollectedAnswer(exchange);
    exchange.onAbort(() => answer.abort());
    const request = {
      method,
      target: query === '' ? path : `${path}?${query}`,
      headers: replaceHeaders(headers, ranks[0].credentials),
      body: method === 'GET' || method === 'HEAD' ? null : body,
      extraRequestHeaders: [],
      extraResponseHeaders: [],
    };
    const outcome = await forwarder.forward(url, request, answer, {});
    const failure = 'error' in outcome ? outcome.error : null;
    const status = failure?.status ?? answer.status;
    metrics.requests.inc({ model: '', endpoint: name, code: status });
    const value = failure === null ? answer.value : { error: failure.message };
    if (outcome.kind === 'completed' && succeeded(status, value)) {
      for (const live of ranks) this.#applyEffect(live, effect, `${method} ${path}`);
    }
    return { endpoint: name, status, body: value };
  }

  #applyEffect(live: LiveEndpoint, effect: ControlCall['effect'], call: string): void {
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

/** One engine's answer as it is; of several, all of them and whether every one succeeded. */
function respond(exchange: Exchange, answers: readonly EngineAnswer[]): void {
  const [first, ...others] = answers;
  if (first === undefined) return;
  if (others.length === 0) {
    const isText = first.body === null || typeof first.body === 'string';
    if (isText) exchange.respond(first.status, [], String(first.body ?? ''));
    else exchange.respond(first.status, JSON_TYPE, JSON.stringify(first.body));
    return;
  }
  const success = answers.every(({ status, body }) => succeeded(status, body));
  const same = answers.every(({ status }) => status === first.status);
  const endpoints = Object.fromEntries(
    answers.map(({ endpoint, status, body }) => [endpoint, { status, body }]),
  );
  const status = same ? first.status : success ? 200 : 502;
  exchange.respond(status, JSON_TYPE, JSON.stringify({ success, endpoints }));
}

/** vLLM answers 200 with `success: false` when blocks are in use and nothing was reset. */
function succeeded(status: number, body: unknown): boolean {
  if (status < 200 || status > 299) return false;
  return !(
    typeof body === 'object' &&
    body !== null &&
    'success' in body &&
    body.success === false
  );
}
