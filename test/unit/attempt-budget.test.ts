import assert from 'node:assert/strict';
import test from 'node:test';
import { AttemptBudget } from '../../src/router/attempt-budget.js';

/** Attempts until none is left, when each of them loses its engine and others are lost meanwhile. */
function attemptsMade(limit: number, othersPerAttempt: number, lostBefore = 7): number {
  let losses = lostBefore;
  const budget = new AttemptBudget(limit, () => losses);
  while (budget.left > 0) {
    budget.use();
    losses += 1 + othersPerAttempt;
  }
  return budget.used;
}

test('a request that loses one engine after the other in a calm fleet stops at the limit', () => {
  assert.equal(attemptsMade(3, 0), 3);
  assert.equal(attemptsMade(1, 0), 1);
});

test('two copies of a deadly request do not excuse each other for long', () => {
  assert.equal(attemptsMade(3, 1), 5);
});

test('where engines die without it as well a request goes on, up to four times the limit', () => {
  assert.equal(attemptsMade(3, 3), 12);
  assert.equal(attemptsMade(8, 3), 32);
});

test('a connection that ends while its engine lives is counted as the request’s own', () => {
  const budget = new AttemptBudget(2, () => 0);
  budget.use();
  assert.equal(budget.left, 1);
  budget.use();
  assert.equal(budget.left, 0);
});
