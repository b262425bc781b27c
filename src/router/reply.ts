// Answers that the router makes itself.
import { RouterError } from '../errors.js';
import { errorBody, JSON_CONTENT } from '../http/error-body.js';
import type { Exchange, HeaderList } from '../http/exchange.js';
import { log } from '../log.js';
import type { Metrics } from '../metrics.js';
import { notesOf } from './request-notes.js';

export function json(
  exchange: Exchange,
  status: number,
  value: unknown,
  extra: HeaderList = [],
): void {
  exchange.respond(status, [...JSON_CONTENT, ...extra], JSON.stringify(value));
}

/** Tells the client why; a failure that is no RouterError is a bug of ours and is logged whole. */
export function refuse(
  exchange: Exchange,
  failure: unknown,
  metrics: Metrics,
  extra: HeaderList = [],
): void {
  const error =
    failure instanceof RouterError
      ? failure
      : new RouterError('internal', 'internal error of the router', { cause: failure });
  const notes = notesOf(exchange);
  notes.failure = error;
  if (error.code === 'internal') {
    const { requestId } = notes.ids;
    const reason = String(error.cause ?? error);
    log.error('request failed', { requestId, path: exchange.path, error: reason });
  }
  if (error.code === 'client_closed') return;
  metrics.requests.inc({ model: '', endpoint: '', code: error.status });
  metrics.rejected.inc({ reason: error.code });
  if (exchange.started) {
    exchange.destroy();
    return;
  }
  const headers = [...JSON_CONTENT, ...errorHeaders(error), ...notes.answerHeaders, ...extra];
  exchange.respond(error.status, headers, errorBody(error, exchange.path));
}

/** `x-warmpath-reason` is the stable code of the failure, for programs. */
export function errorHeaders({ code, challenge, retryAfterSeconds }: RouterError): HeaderList {
  const headers: [string, string][] = [['x-warmpath-reason', code]];
  if (challenge !== null) headers.push(['www-authenticate', challenge]);
  if (retryAfterSeconds !== null) headers.push(['retry-after', String(retryAfterSeconds)]);
  return headers;
}
