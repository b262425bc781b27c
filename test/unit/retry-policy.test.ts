import assert from 'node:assert/strict';
import test from 'node:test';
import { askedRestMs, RetryPolicy } from '../../src/router/retry-policy.js';

test('retries are a fifth of the requests once the reserve is used up', () => {
  const policy = new RetryPolicy(() => 0);
  let reserve = 0;
  while (policy.spend()) reserve += 1;
  assert.equal(reserve, 1024);
  let retries = 0;
  for (let i = 0; i < 1000; i++) {
    policy.earn();
    if (policy.spend()) retries += 1;
  }
  assert.ok(Math.abs(retries - 200) <= 1, `${retries}`);
});

test('pauses are random and grow with the attempts, up to half a second', () => {
  const longest = new RetryPolicy(() => 1);
  assert.deepEqual(
    [1, 2, 3, 64].map((attempts) => longest.pauseMs(attempts)),
    [20, 40, 80, 500],
  );
  assert.equal(new RetryPolicy(() => 0).pauseMs(3), 0);
});

test('an engine with too much to do says for how long, within bounds', () => {
  const cases: readonly (readonly [number, string | null, number | null])[] = [
    [200, '3', null],
    [500, null, null],
    [503, null, 1000],
    [429, '2', 2000],
    [503, '3600', 5000],
    [503, 'Wed, 21 Oct 2026 07:28:00 GMT', 1000],
  ];
  for (const [status, after, wanted] of cases) {
    const headers = after === null ? [] : [['retry-after', after] as const];
    assert.equal(askedRestMs(status, headers), wanted, `${status} ${after}`);
  }
});
