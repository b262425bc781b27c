// The API port: which request is routed by prefix, answered here, or forwarded as it is.
import type { ApiGate } from '../access/api-gate.js';
import { checkPath } from '../access/path-check.js';
import { RouterError } from '../errors.js';
import { eventOf } from '../http/error-body.js';
import type { Exchange, HeaderList } from '../http/exchange.js';
import { KeptExchange } from '../http/kept-exchange.js';
import type { MetricsPage } from '../metrics/registry.js';
import type { Metrics } from '../metrics.js';
import type { RequestTracer } from '../tracing/request-tracer.js';
import { changeAdapter } from './adapter-route.js';
import type { EngineControl } from './engine-control.js';
import type { Fleet } from './fleet.js';
import { modelCards } from './fleet-report.js';
import { noEndpoint } from './journey.js';
import { errorHeaders, json, refuse } from './reply.js';
import { logRequest, type RequestLogSettings } from './request-log.js';
import { notesOf, type RequestNotes } from './request-notes.js';
import { beginSpan, endSpan } from './request-span.js';
import { type Route, routeOf } from './route-table.js';
import type { Router } from './router.js';

export interface ApiParts {
  readonly router: Router;
  readonly control: EngineControl;
  readonly fleet: Fleet;
  readonly metrics: Metrics;
  /** Takes an `Accept` header. */
  readonly metricsPage: (accept: string | undefined) => MetricsPage;
  readonly gate: ApiGate;
  readonly requestLog: () => RequestLogSettings;
  /** null: requests are not traced. */
  readonly tracer: RequestTracer | null;
  readonly version: string;
  readonly bodyLimitBytes: number;
  /** For what is asked of several engines at once. */
  readonly timeoutMs: number;
  /** Between comments to a client whose stream has not begun; 0: none are sent. */
  readonly keepAliveMs: number;
}

/** Handles every request of the API port; never rejects. */
export function createApi(parts: ApiParts): (exchange: Exchange) => void {
  return (exchange) => {
    void serve(parts.keepAliveMs === 0 ? exchange : kept(exchange, parts.keepAliveMs), parts);
  };
}

function kept(inner: Exchange, everyMs: number): Exchange {
  return new KeptExchange(inner, {
    everyMs,
    headers: (exchange) => notesOf(exchange).answerHeaders,
    event: (body) => eventOf(body, inner.path),
  });
}

/** Never rejects. Requests that the router answers by itself, such as probes, are not logged unless it
 * refuses them. */
async function serve(exchange: Exchange, parts: ApiParts): Promise<void> {
  const notes = notesOf(exchange);
  const { tracer } = parts;
  const span = tracer === null ? null : beginSpan(tracer, exchange, notes);
  try {
    await answer(exchange, notes, parts);
  } catch (failure) {
    refuse(exchange, failure, parts.metrics, forPages(exchange));
  }
  parts.gate.left(notes.keyName, () => notes.usedTokens);
  const isProbe = exchange.method === 'GET' || exchange.method === 'HEAD';
  if (!isProbe || notes.decision !== null || notes.failure !== null) {
    logRequest(exchange, notes, parts.requestLog());
    if (span !== null) endSpan(span, exchange, notes);
  }
}

async function answer(exchange: Exchange, notes: RequestNotes, parts: ApiParts): Promise<void> {
  const { method, path } = exchange;
  checkPath(path);
  const route = routeOf(method, path, exchange.query);
  notes.keyName = parts.gate.enter(exchange, method === 'OPTIONS' && route.kind === 'relay');
  if (exchange.header('upgrade')?.toLowerCase() === 'websocket') {
    throw new RouterError(
      'not_implemented',
      `${path}: the router does not take WebSocket connections; connect to an engine itself`,
    );
  }
  return follow(route, exchange, parts);
}

async function follow(route: Route, exchange: Exchange, parts: ApiParts): Promise<void> {
  const { router, fleet, version, bodyLimitBytes } = parts;
  switch (route.kind) {
    case 'generation':
      checkEncoding(exchange);
      return router.route(exchange, route.shape);
    case 'response':
      return router.relayToHolder(exchange, route.id);
    case 'models':
      return json(exchange, 200, { object: 'list', data: modelCards(fleet) }, forPages(exchange));
    case 'model':
      return model(exchange, route.id, fleet);
    case 'adapter':
      return changeAdapter(exchange, await exchange.readBody(bodyLimitBytes), route.action, parts);
    case 'control':
      return parts.control.pass(exchange, route.call);
    case 'health':
      return health(exchange, fleet);
    case 'version':
      return json(exchange, 200, { version });
    case 'metrics':
      return sendMetrics(exchange, parts.metricsPage(exchange.header('accept')));
    case 'relay':
      return router.relay(exchange, route.repeatable);
    case 'wrong-method': {
      const { path, method } = exchange;
      throw new RouterError('method_not_allowed', `${path} takes ${route.allowed}, not ${method}`);
    }
  }
}

/** vLLM takes no compressed body either; unread, it would only be no JSON. */
function checkEncoding(exchange: Exchange): void {
  const encoding = exchange.header('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() === 'identity') return;
  throw new RouterError(
    'invalid_request',
    `content-encoding ${JSON.stringify(encoding)} is not supported: send the body uncompressed`,
  );
}

/** As vLLM's: the status says it all to probes, the headers say more to others. */
function health(exchange: Exchange, fleet: Fleet): void {
  if (fleet.available(null).length > 0) exchange.respond(200, [], '');
  else exchange.respond(503, errorHeaders(noEndpoint(null)), '');
}

/** One card of the list. */
function model(exchange: Exchange, id: string, fleet: Fleet): void {
  const card = modelCards(fleet).find((one) => one.id === id);
  if (card === undefined) {
    const message = `The model \`${id}\` does not exist.`;
    throw new RouterError('model_not_found', message, { param: 'model' });
  }
  json(exchange, 200, card, forPages(exchange));
}

/** Pages of any origin may read what the router itself says, as vLLM's default is; whether they may
 * ask an engine is the engine's answer to their preflight. */
function forPages(exchange: Exchange): HeaderList {
  return exchange.header('origin') === undefined ? [] : [['access-control-allow-origin', '*']];
}

export function sendMetrics(exchange: Exchange, { contentType, text }: MetricsPage): void {
  exchange.respond(200, [['content-type', contentType]], text);
}
