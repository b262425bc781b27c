import assert from 'node:assert/strict';
import test from 'node:test';
import { loadPromptEncoder } from '../../src/sim/model-encoder.js';
import { parsed } from '../support/parsed-requests.js';
import { QWEN3_FOLDER } from '../support/qwen3.js';

const say = (content: string) => [{ role: 'user', content }];

test('each conversation is a chat with the fields of the body', () => {
  const body = { model: 'm', max_tokens: 3, cache_salt: 's', messages: [say('a'), say('b')] };
  const request = parsed('chat-batch', body);
  assert.ok(request.kind === 'chat-batch');
  assert.deepEqual(request.chats, [
    parsed('chat', { ...body, messages: say('a') }),
    parsed('chat', { ...body, messages: say('b') }),
  ]);
  assert.deepEqual([request.model, request.maxTokens, request.cacheSalt], ['m', 3, 's']);
});

test('its prompts are those of the conversations, in order', async () => {
  const encoder = await loadPromptEncoder(QWEN3_FOLDER);
  const prompts = await encoder.encodePrompts(
    parsed('chat-batch', { messages: [say('a'), say('b')] }),
    4096,
  );
  const single = async (content: string) =>
    (await encoder.encodePrompts(parsed('chat', { messages: say(content) }), 4096))[0];
  assert.deepEqual(prompts, [await single('a'), await single('b')]);
});

test('what is no list of conversations is refused', () => {
  assert.throws(() => parsed('chat-batch', { messages: [] }), /at least one conversation/);
  assert.throws(() => parsed('chat-batch', { messages: say('a') }), /messages: must be an array/);
});
