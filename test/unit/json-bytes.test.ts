import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Json, JsonSyntaxError, parseJson } from '../../src/json.js';
import { parseJsonBytes, Utf8Error } from '../../src/json-bytes.js';
import { runSeed, seededRandom } from '../support/random.js';

const ROUNDS = 4000;
const LITERALS = [
  ...['0', '-0', '7', '99999999', '268435456', '-12', '123456789012345678901', '1.0', '1.5', '1e3'],
  ...['-0.0', '1E-7', '1e400', 'NaN', 'Infinity', '-Infinity', 'true', 'false', 'null', '01', '1.'],
  ...['-', '+1', '.5', '1e', 'nul', 'True', `1${'0'.repeat(4400)}`],
];
const PIECES = [
  ...[
    'a',
    'role',
    'content',
    ' ',
    'é',
    '漢字',
    '🙂',
    '\\n',
    '\\"',
    '\\\\',
    '\\/',
    '\\u0041',
    '\\b',
  ],
  ...['\\ud83d\\ude00', '\\ud83d', '\\udc00', '\\u00', '\\x', '\n', '\u0001', '\u007f', '\ufeff'],
  ...['0123456789abcdef', '\\u20ac', '\\uFFFF', '\\uD83Dx', '\\ud83d\\u0041'],
];
const SPACES = ['', '', '', ' ', '\n', '\t\r ', '\u00a0', '/**/'];

type Random = () => number;

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  assert.ok(item !== undefined);
  return item;
}

/** Mostly valid JSON: each wrong piece is rare. */
function randomText(random: Random): string {
  const body = Array.from({ length: Math.floor(random() * 6) }, () =>
    random() < 0.85 ? pick(random, PIECES.slice(0, 13)) : pick(random, PIECES),
  );
  return `"${body.join('')}"`;
}

function randomValue(random: Random, depth: number): string {
  const space = random() < 0.95 ? pick(random, SPACES.slice(0, 6)) : pick(random, SPACES);
  const kind = random();
  if (kind < 0.35 || depth === 0) return space + randomText(random);
  if (kind < 0.6) {
    return space + (random() < 0.9 ? pick(random, LITERALS.slice(0, 10)) : pick(random, LITERALS));
  }
  const items = Array.from({ length: Math.floor(random() * 5) }, () =>
    kind < 0.8
      ? randomValue(random, depth - 1)
      : `${randomText(random)}${space}:${randomValue(random, depth - 1)}`,
  );
  const list = items.join(`${space},`);
  return kind < 0.8 ? `${space}[${list}${space}]` : `${space}{${list}${space}}`;
}

/** The value, or what was wrong. */
function outcome(parse: () => Json): unknown {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof JsonSyntaxError) return { problem: error.message, at: error.position };
    throw error;
  }
}

test('bytes read as their text reads, wrong ones too', () => {
  const random = seededRandom(runSeed);
  for (let round = 0; round < ROUNDS; round++) {
    let text = randomValue(random, 4);
    if (random() < 0.1) text = text.slice(0, Math.floor(random() * text.length));
    if (random() < 0.1) text += pick(random, ['x', ' ', ',', ']', '\0']);
    const expected = outcome(() => parseJson(text.startsWith('\ufeff') ? text.slice(1) : text));
    assert.deepEqual(
      outcome(() => parseJsonBytes(Buffer.from(text))),
      expected,
      `seed ${runSeed}: ${text}`,
    );
  }
});

test('random bytes are read or refused, never anything else', () => {
  const random = seededRandom(runSeed);
  const alphabet = Buffer.from(
    '{}[]":,\\u0123456789abtfn-+.eE \n\x00\x1f\x7f\x80\xbf\xc3\xe2\xf0',
    'latin1',
  );
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = Uint8Array.from({ length: Math.floor(random() * 24) }, () =>
      pick(random, [...alphabet]),
    );
    try {
      parseJsonBytes(bytes);
    } catch (error) {
      assert.ok(
        error instanceof JsonSyntaxError || error instanceof Utf8Error,
        `seed ${runSeed}: ${error}`,
      );
    }
  }
});

test('a text of any length and place keeps its characters', () => {
  for (const piece of ['a', 'é', '漢', '🙂', '\n', '"']) {
    for (let length = 0; length < 70; length++) {
      const value = { role: piece.repeat(length), x: ['y'.repeat(length), length] };
      const read = parseJsonBytes(Buffer.from(JSON.stringify(value)));
      assert.deepEqual(read, parseJson(JSON.stringify(value)));
    }
  }
});

test('a view into a larger buffer reads only its own bytes', () => {
  const buffer = Buffer.from('xx{"a":"bcd"}yy');
  assert.deepEqual(parseJsonBytes(buffer.subarray(2, -2)), new Map([['a', 'bcd']]));
});

test('long lists of token ids keep their order, and the tape grows for them', () => {
  const ids = Array.from({ length: 150_000 }, (_, i) => (i * 7919) % 151_936);
  assert.deepEqual(parseJsonBytes(Buffer.from(JSON.stringify(ids))), ids);
  assert.deepEqual(parseJsonBytes(Buffer.from('[1,2]')), [1, 2]);
});

test('bytes that are not UTF-8 are refused with their place', () => {
  const bytes = Buffer.from('{"a":"é\xff"}', 'latin1');
  assert.throws(() => parseJsonBytes(bytes), { name: 'Utf8Error', position: 6 });
  assert.deepEqual(parseJsonBytes(Buffer.from('\ufeff[]')), []);
});
