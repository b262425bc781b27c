// A forwarder for the length of a test, and what becomes of one request through it.
import assert from 'node:assert/strict';
import {
  createForwarder,
  type Forwarder,
  type ForwarderOptions,
  type ForwardOutcome,
  type ForwardRequest,
} from '../../src/proxy/forwarder.js';
import { RecordingExchange } from './recording-exchange.js';

export const SSE_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n';

export function request(changes: Partial<ForwardRequest> = {}): ForwardRequest {
  return {
    method: 'POST',
    target: '/v1/completions',
    headers: [],
    body: Buffer.from('{}'),
    extraRequestHeaders: [],
    extraResponseHeaders: [],
    ...changes,
  };
}

export function forwarding(options: ForwarderOptions = {}) {
  const forwarder = createForwarder(options);
  return { forwarder, [Symbol.asyncDispose]: () => forwarder.close() };
}

export async function forward(
  forwarder: Forwarder,
  url: string,
  changes: Partial<ForwardRequest> = {},
) {
  const exchange = new RecordingExchange();
  let staleConnections = 0;
  const outcome = await forwarder.forward(url, request(changes), exchange, {
    onStaleConnection: () => staleConnections++,
  });
  // undici takes a connection back a turn of the loop after its response.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  return { exchange, outcome, staleConnections };
}

export function failure(outcome: ForwardOutcome): string {
  assert.ok(outcome.kind === 'unanswered' || outcome.kind === 'broken', outcome.kind);
  const sent = outcome.kind === 'unanswered' ? (outcome.sent ? ' sent' : ' unsent') : '';
  return `${outcome.kind} ${outcome.error.code}${sent}`;
}
