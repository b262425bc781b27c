import assert from 'node:assert/strict';
import test from 'node:test';
import { parsed } from '../support/parsed-requests.js';

const score = (fields: object) =>
  parsed('scoring', { label_token_ids: [1, 2], model: 'm', ...fields });

function promptsOf(fields: object): readonly (string | Uint32Array)[] {
  const request = score(fields);
  assert.ok(request.kind === 'completion');
  return request.prompts;
}

test('texts are known as far as all prompts begin alike: by the query', () => {
  const request = score({ query: 'Is it? ', items: ['a', 'b'], cache_salt: 's', priority: 3 });
  assert.ok(request.kind === 'completion');
  assert.deepEqual(request.prompts, ['Is it? ']);
  assert.equal(request.addSpecialTokens, true);
  assert.deepEqual([request.cacheSalt, request.priority, request.maxTokens], ['s', 3, 1]);
  assert.deepEqual([request.truncatePromptTokens, request.truncationSide], [-1, 'right']);
  assert.equal(
    score({ query: 'q', items: ['a'], add_special_tokens: false }).addSpecialTokens,
    false,
  );
});

test('items that come first are prompts of their own, without special tokens', () => {
  const fields = { query: ' Is it?', items: ['a', 'b'], item_first: true };
  assert.deepEqual(promptsOf(fields), ['a', 'b']);
  assert.equal(score(fields).addSpecialTokens, false);
});

test('token ids are joined as the engine joins them', () => {
  const ids = { query: [1, 2], items: [[3], [4, 5]] };
  assert.deepEqual(promptsOf(ids), [Uint32Array.of(1, 2, 3)]);
  assert.deepEqual(promptsOf({ ...ids, item_first: true }), [
    Uint32Array.of(3, 1, 2),
    Uint32Array.of(4, 5, 1, 2),
  ]);
  assert.deepEqual(promptsOf({ query: [1, 2], items: ['a'] }), [Uint32Array.of(1, 2)]);
});

test('what is missing or of another type is refused by its place', () => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ items: ['a'] }, /query: is required/],
    [{ query: 5, items: ['a'] }, /query: must be a string or an array of token ids/],
    [{ query: 'a' }, /items: is required/],
    [{ query: 'a', items: [] }, /items: must hold at least one/],
    [{ query: 'a', items: ['a', null] }, /items\[1\]: must be a string/],
    [{ query: 'a', items: [[-1]] }, /items\[0\]\[0\]: must be a token id/],
  ];
  for (const [fields, message] of cases) assert.throws(() => score(fields), message);
});
