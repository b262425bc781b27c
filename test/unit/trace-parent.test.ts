import assert from 'node:assert/strict';
import test from 'node:test';
import { formatTraceParent, parseTraceParent } from '../../src/tracing/trace-parent.js';

const [traceId, spanId] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];

test('a traceparent is read and written alike', () => {
  for (const [flags, sampled] of [['00', false] as const, ['01', true] as const]) {
    const parent = { traceId, spanId, sampled };
    assert.deepEqual(parseTraceParent(`00-${traceId}-${spanId}-${flags}`), parent);
    assert.equal(formatTraceParent(parent), `00-${traceId}-${spanId}-${flags}`);
  }
});

test('a later version may say more behind; what is not to be used counts as none', () => {
  assert.equal(parseTraceParent(`cc-${traceId}-${spanId}-03-more`)?.sampled, true);
  const wrong = [
    undefined,
    '',
    `ff-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}-0`,
    `00-${traceId}-${spanId}-01x`,
  ];
  for (const header of wrong) assert.equal(parseTraceParent(header), null, header);
});
