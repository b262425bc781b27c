import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstDifference } from '../../src/router/token-parity.js';

test('the first token that differs is named, by prompt and position', () => {
  const ours = [Uint32Array.of(1, 2, 3), Uint32Array.of(4)];
  assert.equal(firstDifference(ours, [[1, 2, 3], [4]]), null);
  assert.deepEqual(firstDifference(ours, [[1, 2, 9], [5]]), {
    prompt: 0,
    position: 2,
    ours: 3,
    theirs: 9,
  });
  assert.deepEqual(firstDifference(ours, [[1, 2, 3], []]), {
    prompt: 1,
    position: 0,
    ours: 4,
    theirs: null,
  });
  assert.deepEqual(firstDifference(ours, [[1, 2, 3], [4], [7]]), {
    prompt: 2,
    position: 0,
    ours: null,
    theirs: 7,
  });
});
