import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeenBodies } from '../../src/tokenizer/seen-bodies.js';

const KB = 1024;

/** Bytes that a seed repeats. */
function bytes(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    return state >>> 24;
  });
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

test('all of a body is new, then nothing of it', () => {
  const seen = new SeenBodies();
  const body = bytes(30 * KB + 5, 1);
  assert.equal(seen.newBytes(body), body.length);
  assert.equal(seen.newBytes(body), 0);
});

test('what lies between a known beginning and a known end is new, to within two stretches', () => {
  const seen = new SeenBodies();
  const [history, tools] = [bytes(20_300, 1), bytes(9000, 2)];
  seen.newBytes(joined(history, tools));
  const found = seen.newBytes(joined(history, bytes(5000, 3), tools));
  assert.ok(found >= 5000 && found < 5000 + 2 * KB, `${found}`);
});

test('a known text at another place is new', () => {
  const seen = new SeenBodies();
  const text = bytes(20 * KB, 1);
  seen.newBytes(text);
  const body = joined(bytes(100, 2), text, bytes(100, 3));
  assert.equal(seen.newBytes(body), body.length);
});

test('a body shorter than a stretch is new', () => {
  const seen = new SeenBodies();
  assert.equal(seen.newBytes(bytes(KB - 1, 1)), KB - 1);
  assert.equal(seen.newBytes(bytes(KB - 1, 1)), KB - 1);
  assert.equal(seen.newBytes(new Uint8Array(0)), 0);
});

test('a thousand conversations are remembered', () => {
  const seen = new SeenBodies();
  const bodies = Array.from({ length: 1000 }, (_, i) => bytes(32 * KB, i + 1));
  for (const body of bodies) seen.newBytes(body);
  const known = bodies.filter((body) => seen.newBytes(body) <= 4 * KB);
  assert.ok(known.length > 950, `${known.length}`);
});
