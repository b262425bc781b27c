// Expected pickles were printed by CPython 3.11, expected CBOR is RFC 8949's, appendix A.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodeCbor,
  encodePickle,
  encodePickledExtra,
  type PythonValue,
} from '../../src/prefix/python-encoder.js';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

test('pickles are those of CPython', () => {
  const cases: [PythonValue, string][] = [
    [null, '80054e2e'],
    [255, '80054bff2e'],
    [[], '8005292e'],
    ['0', '80059505000000000000008c0130942e'],
    ['', '80059504000000000000008c00942e'],
    [256, '80059504000000000000004d00012e'],
    [65535, '80059504000000000000004dffff2e'],
    [65536, '80059506000000000000004a000001002e'],
    [-1, '80059506000000000000004affffffff2e'],
    [-(2 ** 31), '80059506000000000000004a000000802e'],
    [2 ** 31 - 1, '80059506000000000000004affffff7f2e'],
    [2 ** 31, '80059508000000000000008a0500000080002e'],
    [-(2 ** 31) - 1, '80059508000000000000008a05ffffff7fff2e'],
    [2n ** 63n, '8005950c000000000000008a090000000000000080002e'],
    [2n ** 64n - 1n, '8005950c000000000000008a09ffffffffffffffff002e'],
    [new Uint8Array(0), '80059504000000000000004300942e'],
    [new Uint8Array(256).fill(120), `80059507010000000000004200010000${'78'.repeat(256)}942e`],
    ['x'.repeat(256), `80059507010000000000005800010000${'78'.repeat(256)}942e`],
    [[1], '80059505000000000000004b0185942e'],
    [[1, 2], '80059507000000000000004b014b0286942e'],
    [[1, 2, 3], '80059509000000000000004b014b024b0387942e'],
    [[1, 2, 3, 4], '8005950c00000000000000284b014b024b034b0474942e'],
  ];
  for (const [value, expected] of cases) assert.equal(hex(encodePickle(value)), expected);
});

test('extra keys are pickled as inside the hashed tuple, shared characters by reference', () => {
  const cases: [PythonValue, string][] = [
    [['a', 's'], '8c0161948c0173948694'],
    [['a', 'a'], '8c01619468028694'],
    [['é', 'é'], '8c02c3a99468028694'],
    [['', '', ''], '8c0094680268028794'],
    [['ab', 'ab'], '8c026162948c026162948694'],
    [[['m', -3], 'm'], '8c016d944afdffffff869468028694'],
    [['a', ['a', 1], ['b', 2], 'b'], '288c01619468024b0186948c0162944b02869468047494'],
    [[new Uint8Array(32).fill(1)], `4320${'01'.repeat(32)}948594`],
    [[7], '4b078594'],
    [
      [-300, 70000, 2 ** 31, 2 ** 40, -(2 ** 31) - 1],
      '284ad4feffff4a701101008a0500000080008a060000000000018a05ffffff7fff7494',
    ],
  ];
  for (const [value, expected] of cases) assert.equal(hex(encodePickledExtra(value)), expected);
});

test('CBOR has the shortest heads', () => {
  const cases: [PythonValue, string][] = [
    [null, 'f6'],
    [0, '00'],
    [23, '17'],
    [24, '1818'],
    [1000, '1903e8'],
    [1000000, '1a000f4240'],
    [1000000000000, '1b000000e8d4a51000'],
    [18446744073709551615n, '1bffffffffffffffff'],
    [-1, '20'],
    [-100, '3863'],
    [-1000, '3903e7'],
    [-18446744073709551616n, '3bffffffffffffffff'],
    [Uint8Array.of(1, 2, 3, 4), '4401020304'],
    ['', '60'],
    ['IETF', '6449455446'],
    ['ü', '62c3bc'],
    [[], '80'],
    [[1, [2, 3], [4, 5]], '8301820203820405'],
  ];
  for (const [value, expected] of cases) assert.equal(hex(encodeCbor(value)), expected);
  assert.throws(() => encodeCbor(2n ** 64n), /18446744073709551616 needs more than 64 bits/);
});
