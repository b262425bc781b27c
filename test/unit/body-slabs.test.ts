import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodySlabs } from '../../src/tokenizer/body-slabs.js';

const KB = 1024;

function lent(slabs: BodySlabs, bytes: number, value = 1): Uint8Array {
  const copy = slabs.lend(new Uint8Array(bytes).fill(value));
  assert.ok(copy !== null);
  return copy;
}

test('a body is lent as a copy of its own length in shared memory', () => {
  const body = Uint8Array.of(1, 2, 3);
  const copy = new BodySlabs(1).lend(body);
  assert.deepEqual(copy, body);
  assert.ok(copy?.buffer instanceof SharedArrayBuffer);
  body[0] = 9;
  assert.equal(copy[0], 1);
});

test('memory that was given back is used again', () => {
  const slabs = new BodySlabs(2);
  const first = lent(slabs, 10 * KB);
  slabs.giveBack(first);
  const second = lent(slabs, 60 * KB, 2);
  assert.equal(second.buffer, first.buffer);
  assert.ok(second.every((byte) => byte === 2));
});

test('bodies that are lent at once share no memory', () => {
  const slabs = new BodySlabs(2);
  const [first, second] = [lent(slabs, 10, 1), lent(slabs, 10, 2)];
  assert.notEqual(first.buffer, second.buffer);
  assert.equal(first[0], 1);
});

test('slabs grow to what the bodies need, and are no more than the limit', () => {
  const slabs = new BodySlabs(2);
  for (const copy of [10, 10, 10].map((bytes) => lent(slabs, bytes))) slabs.giveBack(copy);
  const buffers = new Set<ArrayBufferLike>();
  for (let i = 0; i < 20; i++) {
    const copies = [200 * KB, 200 * KB].map((bytes) => lent(slabs, bytes));
    for (const copy of copies) {
      assert.equal(copy.buffer.byteLength, 256 * KB);
      buffers.add(copy.buffer);
      slabs.giveBack(copy);
    }
  }
  assert.equal(buffers.size, 2);
});

test('an empty body is lent, one of more than a megabyte is not', () => {
  const slabs = new BodySlabs(1);
  assert.equal(lent(slabs, 0).length, 0);
  assert.equal(lent(slabs, 2 ** 20).length, 2 ** 20);
  assert.equal(slabs.lend(new Uint8Array(2 ** 20 + 1)), null);
});
