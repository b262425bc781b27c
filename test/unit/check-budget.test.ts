import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CheckBudget } from '../../src/events/check-budget.js';

test('checks come at once while they are few, and at a bounded rate when they are many', () => {
  const budget = new CheckBudget();
  let nowMs = 5000;
  const taken = (wanted: number) =>
    Array.from({ length: wanted }, () => budget.take(nowMs)).filter(Boolean).length;
  assert.equal(taken(1000), 100);
  nowMs += 50;
  assert.equal(taken(1000), 5);
  nowMs += 60_000;
  assert.equal(taken(1000), 100, 'what was not used is not saved up');
  nowMs -= 10_000;
  assert.equal(taken(10), 0, 'a clock that goes back gives nothing');
});
