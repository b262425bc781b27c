// The span of one request: begun when it comes, ended with what its log line says.
import type { Exchange } from '../http/exchange.js';
import type { RequestSpan, RequestTracer, SpanAttributes } from '../tracing/request-tracer.js';
import { requestFields } from './request-log.js';
import type { RequestNotes } from './request-notes.js';
import { isKnownPath } from './route-table.js';

/** From the semantic conventions of OpenTelemetry; all others are our own. */
const CONVENTIONS: ReadonlyMap<string, string> = new Map([
  ['method', 'http.request.method'],
  ['path', 'url.path'],
  ['code', 'http.response.status_code'],
  ['reason', 'error.type'],
  ['model', 'gen_ai.request.model'],
  ['completionTokens', 'gen_ai.usage.output_tokens'],
]);

/** A span knows these by itself. */
const OWN: ReadonlySet<string> = new Set(['traceId', 'totalMs']);

/** The request's engines belong to this span, and its log line names the trace. */
export function beginSpan(
  tracer: RequestTracer,
  exchange: Exchange,
  notes: RequestNotes,
): RequestSpan {
  const span = tracer.begin(exchange.header('traceparent'), exchange.header('tracestate'));
  notes.ids = { ...notes.ids, traceId: span.traceId };
  notes.engineHeaders = [...notes.engineHeaders, ['traceparent', span.traceparent]];
  return span;
}

/** REQUIRES: the answer has ended, or never will. */
export function endSpan(span: RequestSpan, exchange: Exchange, notes: RequestNotes): void {
  const { method, path, status, aborted } = exchange;
  const failed = !aborted && status >= 500;
  span.end({
    name: isKnownPath(path) ? `${method} ${path}` : method,
    attributes: attributesOf(exchange, notes),
    error: failed ? (notes.failure?.message ?? `status ${status}`) : null,
  });
}

function attributesOf(exchange: Exchange, notes: RequestNotes): SpanAttributes {
  const named = Object.entries(requestFields(exchange, notes)).flatMap(([field, value]) => {
    const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
    return isPlain && !OWN.has(field) ? [[attributeName(field), value]] : [];
  });
  return Object.fromEntries(named);
}

/** `promptTokens`: `warmpath.prompt_tokens` */
function attributeName(field: string): string {
  const own = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return CONVENTIONS.get(field) ?? `warmpath.${own}`;
}
