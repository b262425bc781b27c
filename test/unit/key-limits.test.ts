import assert from 'node:assert/strict';
import test from 'node:test';
import { KeyLimits } from '../../src/access/key-limits.js';
import { RouterError } from '../../src/errors.js';

const NONE = { requestsPerMinute: null, tokensPerMinute: null, perKey: [] };

function refusal(limits: KeyLimits, name: string): [string, number | null] | null {
  try {
    limits.enter(name);
    return null;
  } catch (error) {
    if (!(error instanceof RouterError)) throw error;
    assert.equal(error.status, 429);
    return [error.code, error.retryAfterSeconds];
  }
}

test('requests over the rate are told when the next one may come', () => {
  let now = 0;
  const limits = new KeyLimits({ ...NONE, requestsPerMinute: 2 }, () => now);
  assert.equal(refusal(limits, 'a'), null);
  assert.equal(refusal(limits, 'a'), null);
  assert.deepEqual(refusal(limits, 'a'), ['request_rate', 30]);
  assert.equal(refusal(limits, 'b'), null, 'each key has its own');
  now = 20_000;
  assert.deepEqual(refusal(limits, 'a'), ['request_rate', 10]);
  now = 30_000;
  assert.equal(refusal(limits, 'a'), null, 'a refusal costs nothing');
  assert.deepEqual(refusal(limits, 'a'), ['request_rate', 30]);
  now = 3_600_000;
  for (const _ of [1, 2]) assert.equal(refusal(limits, 'a'), null);
  assert.deepEqual(
    refusal(limits, 'a'),
    ['request_rate', 30],
    'an hour of silence saves up no more',
  );
});

test('tokens are paid afterwards, also more than there were', () => {
  let now = 0;
  const limits = new KeyLimits({ ...NONE, tokensPerMinute: 600 }, () => now);
  assert.equal(refusal(limits, 'a'), null);
  limits.use('a', 900);
  assert.deepEqual(refusal(limits, 'a'), ['token_rate', 31]);
  now = 30_100;
  assert.equal(refusal(limits, 'a'), null);
});

test('the limits of a name go before those of all', () => {
  const own = { name: 'vip', requestsPerMinute: null, tokensPerMinute: 5 };
  const limits = new KeyLimits({ ...NONE, requestsPerMinute: 1, perKey: [own] }, () => 0);
  for (const _ of [1, 2, 3]) assert.equal(refusal(limits, 'vip'), null);
  assert.ok(limits.countsTokens('vip') && !limits.countsTokens('a'));
});

test('a change of limits forgives nothing, and forgets those who left', () => {
  const plan = { ...NONE, requestsPerMinute: 2 };
  const limits = new KeyLimits(plan, () => 0);
  for (const _ of [1, 2]) assert.equal(refusal(limits, 'a'), null);
  limits.change({ ...plan, requestsPerMinute: 3 }, new Set(['a']));
  assert.equal(refusal(limits, 'a'), null);
  assert.deepEqual(refusal(limits, 'a'), ['request_rate', 20]);
  limits.change(plan, new Set(['b']));
  limits.change(NONE, new Set(['a']));
  assert.equal(refusal(limits, 'a'), null);
});
