import assert from 'node:assert/strict';
import test from 'node:test';
import { requestIdsOf } from '../../src/router/request-ids.js';

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
  assert.deepEqual(idsOf({}), { requestId: null, traceId: null });
  const zeros = `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`;
  for (const traceparent of [zeros, 'x', '00-4bf92f"}-00f067aa0ba902b7-01']) {
    assert.equal(idsOf({ traceparent }).traceId, null);
  }
  assert.equal(idsOf({ 'x-request-id': 'x'.repeat(9000) }).requestId?.length, 128);
});
