import assert from 'node:assert/strict';
import test from 'node:test';
import { requestIdHeader, requestIdsOf } from '../../src/router/request-ids.js';

const idsOf = (headers: Readonly<Record<string, string>>) =>
  requestIdsOf({ header: (name) => headers[name] });

test('a request is known by its own id and by its trace', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  assert.deepEqual(idsOf({ 'x-request-id': 'r-1', traceparent }), {
    requestId: 'r-1',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  });
});

test('what is no trace id is left out, and a long request id is cut', () => {
  assert.equal(idsOf({}).traceId, null);
  const zeros = `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`;
  for (const traceparent of [zeros, 'x', '00-4bf92f"}-00f067aa0ba902b7-01']) {
    assert.equal(idsOf({ traceparent }).traceId, null);
  }
  assert.equal(idsOf({ 'x-request-id': 'x'.repeat(9000) }).requestId?.length, 128);
});

test('a request without a usable id gets one of its own, which the engine hears too', () => {
  for (const headers of [{}, { 'x-request-id': '' }, { 'x-request-id': 'a\u0001b' }]) {
    const { requestId } = idsOf(headers);
    assert.match(requestId, /^[0-9a-f-]{36}$/);
    assert.notEqual(requestId, idsOf(headers).requestId);
  }
  const header = (given: string | undefined) =>
    requestIdHeader({ header: () => given }, { requestId: 'made' });
  assert.deepEqual(header(undefined), [['x-request-id', 'made']]);
  assert.deepEqual(header('given'), [], 'what the client sent passes as it is');
});
