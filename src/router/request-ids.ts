// RequestIds: names under which clients know a request, so that they find its decision.
import type { Exchange } from '../http/exchange.js';

export interface RequestIds {
  /** `X-Request-Id` as the client sent it, cut to a readable length. */
  readonly requestId: string | null;
  /** W3C trace id, 32 hexadecimal digits. */
  readonly traceId: string | null;
}

export const NO_IDS: RequestIds = { requestId: null, traceId: null };

const REQUEST_ID_CHARACTERS = 128;
const TRACE_PARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-/;

export function requestIdsOf(exchange: Pick<Exchange, 'header'>): RequestIds {
  const requestId = exchange.header('x-request-id')?.slice(0, REQUEST_ID_CHARACTERS) ?? null;
  const traceId = TRACE_PARENT.exec(exchange.header('traceparent') ?? '')?.[1] ?? null;
  return { requestId, traceId };
}
