import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PromptCache } from '../../src/router/prompt-cache.js';

const prompt = (tokens: number) => [{ tokens: new Uint32Array(tokens), media: [] }];

test('the least recently used prompts go when the bytes are spent', () => {
  const cache = new PromptCache({ maxBytes: 3 * (4000 + 512), ttlMs: 1000, nowMs: () => 0 });
  for (const key of ['a', 'b', 'c']) cache.set(key, prompt(1000));
  assert.ok(cache.get('a') !== null);
  cache.set('d', prompt(1000));
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => cache.get(key) !== null),
    [true, false, true, true],
  );
  assert.equal(cache.bytes, 3 * (4000 + 512));
  cache.set('huge', prompt(100_000));
  assert.equal(cache.get('huge'), null);
  assert.ok(cache.get('a') !== null);
});

test('setting a key again replaces it', () => {
  const cache = new PromptCache({ maxBytes: 1e6, ttlMs: 1000, nowMs: () => 0 });
  cache.set('a', prompt(10));
  cache.set('a', prompt(20));
  assert.equal(cache.get('a')?.[0]?.tokens.length, 20);
  assert.equal(cache.bytes, 592);
});

test('a prompt is forgotten after its time', () => {
  let now = 0;
  const cache = new PromptCache({ maxBytes: 1e6, ttlMs: 1000, nowMs: () => now });
  cache.set('a', prompt(10));
  now = 999;
  assert.ok(cache.get('a') !== null);
  now = 1000;
  assert.equal(cache.get('a'), null);
  assert.equal(cache.bytes, 0);
});
