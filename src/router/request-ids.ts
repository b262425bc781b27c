// RequestIds: names under which clients know a request, so that they find its decision.
import { randomUUID } from 'node:crypto';
import type { Exchange, HeaderList } from '../http/exchange.js';
import { parseTraceParent } from '../tracing/trace-parent.js';

export interface RequestIds {
  /** `X-Request-Id` as the client sent it, cut to a readable length, or one of our own. */
  readonly requestId: string | null;
  /** W3C trace id, 32 hexadecimal digits. */
  readonly traceId: string | null;
}

export const NO_IDS: RequestIds = { requestId: null, traceId: null };

const REQUEST_ID = 'x-request-id';
const REQUEST_ID_CHARACTERS = 128;
/** What may be sent back in a header. */
const VISIBLE = /^[\x20-\x7e]+$/;

/** A request without an id gets one, so that it can be found in the log, here and at the engine. */
export function requestIdsOf(
  exchange: Pick<Exchange, 'header'>,
): RequestIds & { readonly requestId: string } {
  const given = exchange.header(REQUEST_ID)?.slice(0, REQUEST_ID_CHARACTERS) ?? '';
  const requestId = VISIBLE.test(given) ? given : randomUUID();
  const traceId = parseTraceParent(exchange.header('traceparent'))?.traceId ?? null;
  return { requestId, traceId };
}

/** For the engine: only an id that the client has not given. */
export function requestIdHeader(
  exchange: Pick<Exchange, 'header'>,
  { requestId }: { readonly requestId: string },
): HeaderList {
  const given = exchange.header(REQUEST_ID);
  return given !== undefined && given !== '' ? [] : [[REQUEST_ID, requestId]];
}
