import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../src/errors.js';
import type { HeaderList } from '../../src/http/exchange.js';
import { readFraming } from '../../src/http/request-head.js';

test('framing that has one reading is read, any other is refused', () => {
  const none = { hasBody: false, declaredBytes: null, closesConnection: false };
  const cases: [headers: HeaderList, expected: unknown][] = [
    [[], none],
    [[['content-length', '0']], { ...none, declaredBytes: 0 }],
    [[['content-length', '17']], { ...none, declaredBytes: 17, hasBody: true }],
    [[['transfer-encoding', 'Chunked']], { ...none, hasBody: true }],
    [[['connection', 'Close']], { ...none, closesConnection: true }],
    [
      [
        ['content-length', '1'],
        ['content-length', '1'],
      ],
      'the request has more than one Content-Length',
    ],
    [[['content-length', '']], 'Content-Length is not a number of bytes'],
    [[['content-length', '1e3']], 'Content-Length is not a number of bytes'],
    [[['content-length', '9999999999999999']], 'Content-Length is not a number of bytes'],
    [[['transfer-encoding', 'gzip, chunked']], 'the only transfer encoding supported is chunked'],
    [
      [
        ['transfer-encoding', 'chunked'],
        ['content-length', '1'],
      ],
      'the request has both Content-Length and Transfer-Encoding',
    ],
  ];
  for (const [headers, expected] of cases) {
    const framing = readFraming(headers);
    assert.deepEqual(framing instanceof RouterError ? framing.message : framing, expected);
  }
});
