import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspectTokens } from '../../src/cli/inspect-tokens.js';
import { QWEN3_FOLDER } from '../support/qwen3.js';

const tokenizer = QWEN3_FOLDER;

test('one prompt gives its text and ids, several give lists', async () => {
  assert.deepEqual(await inspectTokens({ tokenizer, prompt: 'Hello' }), {
    text: 'Hello',
    token_ids: [9707],
  });
  assert.deepEqual(await inspectTokens({ tokenizer, prompt: ['a', 'b'] }), {
    text: ['a', 'b'],
    token_ids: [[64], [65]],
  });
  assert.deepEqual(await inspectTokens({ tokenizer, prompt: [1, 2] }), {
    text: null,
    token_ids: [1, 2],
  });
});

test('a chat gives the rendered prompt', async () => {
  const { text, token_ids } = await inspectTokens(
    JSON.stringify({ tokenizer, messages: [{ role: 'user', content: 'hi' }] }),
  );
  assert.equal(text, '<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n');
  assert.deepEqual(token_ids, [151644, 872, 198, 6023, 151645, 198, 151644, 77091, 198]);
});

test('a chat with media says that the prompt goes on', async () => {
  const content = [{ type: 'image_url', image_url: { url: 'u' } }];
  const result = await inspectTokens({ tokenizer, messages: [{ role: 'user', content }] });
  assert.equal(result.open, true);
});

test('what is wrong is named', async () => {
  await assert.rejects(inspectTokens({ prompt: 'a' }), /tokenizer: is required/);
  await assert.rejects(inspectTokens([]), /must be an object, not an array/);
  await assert.rejects(inspectTokens({ tokenizer, prompt: [] }), /at least one prompt/);
  await assert.rejects(
    inspectTokens({ tokenizer: '/nowhere', prompt: 'a' }),
    /no folder \/nowhere/,
  );
});
