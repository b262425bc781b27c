// The API port: which request is routed by prefix, answered here, or forwarded as it is.
import { RouterError } from '../errors.js';
import type { Exchange, HeaderList } from '../http/exchange.js';
import type { RequestShape } from '../inference-request.js';
import { log } from '../log.js';
import type { MetricsPage } from '../metrics/registry.js';
import type { Metrics } from '../metrics.js';
import { errorBody } from '../openai/failure.js';
import type { Fleet } from './fleet.js';
import { modelCards } from './fleet-report.js';
import type { Router } from './router.js';

const JSON_TYPE: HeaderList = [['content-type', 'application/json']];

const GENERATION: Readonly<Record<string, RequestShape>> = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completions',
};

export interface ApiParts {
  readonly router: Router;
  readonly fleet: Fleet;
  readonly metrics: Metrics;
  /** Takes an `Accept` header. */
  readonly metricsPage: (accept: string | undefined) => MetricsPage;
  readonly version: string;
}

/** Handles every request of the API port; never rejects. */
export function createApi(parts: ApiParts): (exchange: Exchange) => void {
  return (exchange) => {
    answer(exchange, parts).catch((failure: unknown) => refuse(exchange, failure, parts.metrics));
  };
}

async function answer(exchange: Exchange, parts: ApiParts): Promise<void> {
  const { router, fleet, version } = parts;
  const shape = GENERATION[exchange.path];
  if (shape !== undefined) {
    if (exchange.method === 'POST') return router.route(exchange, shape);
    throw new RouterError(
      'method_not_allowed',
      `${exchange.path} takes POST, not ${exchange.method}`,
    );
  }
  if (exchange.method === 'GET') {
    switch (exchange.path) {
      case '/v1/models':
        return json(exchange, 200, { object: 'list', data: modelCards(fleet) });
      case '/health':
      case '/ping':
        return exchange.respond(fleet.available(null).length > 0 ? 200 : 503, [], '');
      case '/version':
        return json(exchange, 200, { version });
      case '/metrics':
        return sendMetrics(exchange, parts.metricsPage(exchange.header('accept')));
    }
  }
  return router.relay(exchange);
}

export function sendMetrics(exchange: Exchange, { contentType, text }: MetricsPage): void {
  exchange.respond(200, [['content-type', contentType]], text);
}

export function json(exchange: Exchange, status: number, value: unknown): void {
  exchange.respond(status, JSON_TYPE, JSON.stringify(value));
}

/** Tells the client why; a failure that is no RouterError is a bug of ours and is logged whole. */
export function refuse(exchange: Exchange, failure: unknown, metrics: Metrics): void {
  const error =
    failure instanceof RouterError
      ? failure
      : new RouterError('internal', 'internal error of the router', { cause: failure });
  if (error.code === 'internal') {
    log.error('request failed', { path: exchange.path, error: String(error.cause ?? error) });
  }
  if (error.code === 'client_closed') return;
  metrics.requests.inc({ model: '', endpoint: '', code: error.status });
  if (exchange.started) {
    exchange.destroy();
    return;
  }
  const retry: HeaderList =
    error.retryAfterSeconds === null ? [] : [['retry-after', String(error.retryAfterSeconds)]];
  exchange.respond(error.status, [...JSON_TYPE, ...retry], errorBody(error));
}
