import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unpack } from 'msgpackr';
import { type MsgpackValue, MsgpackWriter } from '../../src/sim/msgpack-writer.js';

function written(value: MsgpackValue): Buffer {
  const writer = new MsgpackWriter();
  writer.value(value);
  return writer.take();
}

test('integers take the shortest form', () => {
  const cases: readonly (readonly [number | bigint, string])[] = [
    [0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [255, 'ccff'],
    [256, 'cd0100'],
    [65535, 'cdffff'],
    [65536, 'ce00010000'],
    [2 ** 32 - 1, 'ceffffffff'],
    [2 ** 32, 'cf0000000100000000'],
    [5n, '05'],
    [300n, 'cd012c'],
    [2n ** 63n - 1n, 'cf7fffffffffffffff'],
    [2n ** 64n - 1n, 'cfffffffffffffffff'],
    [-1, 'ff'],
    [-32, 'e0'],
    [-33, 'd0df'],
    [-128, 'd080'],
    [-129, 'd1ff7f'],
    [-32769, 'd2ffff7fff'],
    [-(2 ** 31) - 1, 'd3ffffffff7fffffff'],
    [-(2n ** 63n), 'd38000000000000000'],
  ];
  for (const [value, hex] of cases) assert.equal(written(value).toString('hex'), hex, `${value}`);
});

test('an integer that msgpack cannot hold is refused', () => {
  for (const value of [1.5, Number.NaN, 2n ** 64n, -(2n ** 63n) - 1n]) {
    assert.throws(() => written(value), RangeError);
  }
});

test('another decoder reads strings, bytes and arrays of every length class', () => {
  for (const size of [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536]) {
    const text = 'ä'.repeat(size);
    const bytes = Buffer.alloc(size, 7);
    const ids = Uint32Array.from({ length: size }, (_, i) => i * 65_537);
    assert.equal(unpack(written(text)), text);
    assert.deepEqual(unpack(written(bytes)), bytes);
    assert.deepEqual(unpack(written(ids)), [...ids]);
    assert.deepEqual(unpack(written([null, [text], [...ids]])), [null, [text], [...ids]]);
  }
});
