import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Json,
  JsonFloat,
  JsonSyntaxError,
  MAX_JSON_DEPTH,
  parseJson,
} from '../../src/json.js';

/** As JSON.parse would give it, for comparison. */
function plain(value: Json): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof JsonFloat) return value.value;
  return typeof value === 'bigint' ? Number(value) : value;
}

test('valid JSON reads as JSON.parse reads it', () => {
  const texts = [
    '{"a":[1,2,-3,1.5,1.0,1e3,0.1e-2],"b":"x\\n\\u00e9\\"q\\\\","c":{},"d":[],"e":null,"f":[true,false]}',
    ' [ 1 , 2 ,3, 45 ] ',
    '"\\\\\\""',
    '"\\ud83d\\ude00 \\u0000"',
    '[123456789012345,1234567890123456,0,10,9007199254740991]',
    '{"a":{"a":{"a":[[[]]]}}}',
    '""',
  ];
  for (const text of texts) assert.deepEqual(plain(parseJson(text)), JSON.parse(text), text);
});

test('objects keep their key order, whatever the keys are', () => {
  const value = parseJson('{"b":1,"10":2,"2":3,"__proto__":4,"a":5,"b":6}');
  assert.ok(value instanceof Map);
  assert.deepEqual([...value.keys()], ['b', '10', '2', '__proto__', 'a']);
  assert.equal(value.get('b'), 6);
});

test('numbers keep what Python tells apart', () => {
  assert.deepEqual(parseJson('1.0'), new JsonFloat(1));
  assert.equal(parseJson('1'), 1);
  assert.equal(parseJson('1.5'), 1.5);
  assert.equal(parseJson('12345678901234567890'), 12345678901234567890n);
  assert.ok(Object.is(parseJson('-0'), 0));
  assert.deepEqual(parseJson('-0.0'), new JsonFloat(-0));
  assert.deepEqual(parseJson('NaN'), new JsonFloat(Number.NaN));
  assert.deepEqual(parseJson('[-Infinity]'), [new JsonFloat(Number.NEGATIVE_INFINITY)]);
});

test('an error names the place', () => {
  const cases: [string, RegExp][] = [
    ['', /unexpected end at line 1 column 1/],
    ['{"a":1,\n "b" 2}', /expected ':' at line 2 column 6 \(character 13\)/],
    ['[1,]', /expected a JSON value at line 1 column 4/],
    ['[01]', /expected ',' or '\]'/],
    ['[1 2]', /expected ',' or '\]'/],
    ['{"a":1,}', /expected a property name in quotes/],
    ["{'a':1}", /expected a property name in quotes/],
    ['"a', /unterminated string/],
    ['"abc\\', /unterminated string/],
    ['"\\x"', /invalid escape/],
    ['"a\nb"', /control character/],
    ['{} x', /unexpected text after the JSON value at line 1 column 4/],
    ['"\\ud83d"', /lone surrogate/],
    ['{"\\udc00":1}', /lone surrogate/],
    ['tru', /expected a JSON value/],
    ['-', /expected a JSON value/],
    [`[${'9'.repeat(5000)}]`, /more than 4300 digits/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parseJson(text),
      (error) => error instanceof JsonSyntaxError && message.test(error.message),
      JSON.stringify(text),
    );
  }
});

test('nesting is bounded', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  assert.doesNotThrow(() => parseJson(nested(MAX_JSON_DEPTH)));
  assert.throws(() => parseJson(nested(MAX_JSON_DEPTH + 1)), /nested deeper than 200 levels/);
  assert.throws(() => parseJson('[{"a":'.repeat(100_000)), /nested deeper/);
});

test('random documents read as JSON.parse reads them', () => {
  const seed = Date.now() % 2 ** 31;
  const random = randomFrom(seed);
  for (let i = 0; i < 2000; i++) {
    const text = JSON.stringify(randomValue(random, 4), null, i % 3 === 0 ? 1 : undefined);
    assert.deepEqual(plain(parseJson(text)), JSON.parse(text), `seed ${seed}: ${text}`);
  }
});

test('mutated documents are accepted exactly where JSON.parse accepts them', () => {
  const seed = Date.now() % 2 ** 31;
  const random = randomFrom(seed);
  for (let i = 0; i < 3000; i++) {
    const text = JSON.stringify(randomValue(random, 3));
    const at = Math.floor(random() * text.length);
    const piece = pick(random, ['', ',', '"', '\\', '}', '[', '0', '.', '-', 'e', '\u0001', ':']);
    const mutated = text.slice(0, at) + piece + text.slice(at + Math.floor(random() * 2));
    assert.equal(accepts(parseJson, mutated), accepts(JSON.parse, mutated), `${seed}: ${mutated}`);
  }
});

function accepts(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x80000000;
  };
}

function pick<T>(random: () => number, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  assert.ok(item !== undefined);
  return item;
}

function randomValue(random: () => number, depth: number): unknown {
  const kind = Math.floor(random() * (depth > 0 ? 7 : 5));
  if (kind === 0) return pick(random, [null, true, false]);
  if (kind === 1) return Math.floor((random() - 0.5) * 10 ** Math.floor(random() * 16));
  if (kind === 2) return (random() - 0.5) * 10 ** Math.floor(random() * 30 - 10);
  if (kind === 3 || kind === 4) {
    return pick(random, ['', 'a"b', 'c\\', '\\"', 'é🙂', '\n\u0000', 'plain text', '\u2028/']);
  }
  const items = Array.from({ length: Math.floor(random() * 4) }, () =>
    randomValue(random, depth - 1),
  );
  if (kind === 5) return items;
  return Object.fromEntries(items.map((item, i) => [pick(random, ['k', '"', '1', 'é']) + i, item]));
}
