import assert from 'node:assert/strict';
import test from 'node:test';
import { ERROR_KINDS, type ErrorCode, RouterError } from '../../src/errors.js';
import { createMetrics } from '../../src/metrics.js';
import { refuse } from '../../src/router/reply.js';
import { RecordingExchange } from '../support/recording-exchange.js';

// Keys of an object literal, which TypeScript takes for any text.
const isCode = (text: string): text is ErrorCode => text in ERROR_KINDS;
const CODES = Object.keys(ERROR_KINDS).filter(isCode);

function refused(failure: unknown) {
  const exchange = new RecordingExchange();
  refuse(exchange, failure, createMetrics());
  const header = (name: string) => exchange.responseHeaders.find(([key]) => key === name)?.[1];
  return { exchange, header };
}

test('every refusal has its status and a reason for programs, and says when to come again', () => {
  for (const code of CODES) {
    if (code === 'client_closed') continue;
    const { exchange, header } = refused(new RouterError(code, 'why'));
    const { status, type } = ERROR_KINDS[code];
    assert.equal(exchange.status, status, code);
    assert.equal(header('x-warmpath-reason'), code);
    assert.equal(header('content-type'), 'application/json');
    const body = { error: { message: 'why', type, param: null, code: status } };
    assert.deepEqual(JSON.parse(exchange.chunks.join('')), body);
    assert.equal(header('retry-after'), status === 429 || status === 503 ? '1' : undefined, code);
  }
});

test('whoever knows better says when', () => {
  const late = new RouterError('queue_full', 'why', { retryAfterSeconds: 30 });
  assert.equal(refused(late).header('retry-after'), '30');
});

test('a client that left gets no answer', () => {
  const { exchange } = refused(new RouterError('client_closed', 'why'));
  assert.equal(exchange.started, false);
});
