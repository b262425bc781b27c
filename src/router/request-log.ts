// One line a request in the log: where it went, why, how long it took and what came of it.
import { performance } from 'node:perf_hooks';
import type { Exchange } from '../http/exchange.js';
import { type LogFields, log } from '../log.js';
import type { RequestNotes } from './request-notes.js';

export interface RequestLogSettings {
  /** Whether requests are logged at all. */
  readonly requests: boolean;
  /** Whether lines carry the request's body, which holds the prompt. */
  readonly prompts: boolean;
}

/** Of a body; the log is not where a long prompt is to be read. */
const BODY_CHARACTERS = 8192;

/** REQUIRES: the answer has ended, or never will. */
export function logRequest(
  exchange: Exchange,
  notes: RequestNotes,
  { requests, prompts }: RequestLogSettings,
): void {
  if (!requests || !log.writes('info')) return;
  const fields = requestFields(exchange, notes);
  if (!prompts || notes.body === null) log.info('request', fields);
  else log.info('request', { ...fields, body: bodyText(notes.body) });
}

/** What is unknown is left out. */
export function requestFields(exchange: Exchange, notes: RequestNotes): LogFields {
  const { ids, decision, failure, attempts } = notes;
  const totalMs = milliseconds(performance.now() - notes.receivedMs);
  const common = {
    requestId: ids.requestId,
    traceId: ids.traceId ?? undefined,
    key: notes.keyName ?? undefined,
    method: exchange.method,
    path: exchange.path,
    code: exchange.aborted ? 499 : exchange.status,
    reason: failure?.code,
    totalMs,
  };
  if (decision === null) return common;
  const { model, loraName, unmatched, cachedTokens, timeToFirstTokenMs: firstMs } = decision;
  const went = {
    ...common,
    endpoint: decision.endpoint,
    outcome: decision.outcome,
    attempts,
    trust: decision.trust,
    firstByteMs: firstMs === null ? undefined : milliseconds(firstMs),
    waitMs: notes.waitedMs === 0 ? undefined : milliseconds(notes.waitedMs),
  };
  if (model === '') return went;
  return {
    ...went,
    model,
    lora: loraName ?? undefined,
    stream: notes.stream,
    promptTokens: decision.promptTokens,
    matchedTokens: decision.matchedTokens,
    cachedTokens: cachedTokens ?? undefined,
    completionTokens: notes.usage?.completionTokens ?? undefined,
    unmatched: unmatched ?? undefined,
    decisionMs: decision.decisionUs / 1000,
  };
}

function milliseconds(ms: number): number {
  return Math.round(ms * 100) / 100;
}

function bodyText(body: Uint8Array): string {
  // Four bytes are the most a character takes.
  const start = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return start.toString('utf8', 0, BODY_CHARACTERS * 4).slice(0, BODY_CHARACTERS);
}
