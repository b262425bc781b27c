import assert from 'node:assert/strict';
import test from 'node:test';
import { checkMessages, checkPromptTokens, NO_LIMITS } from '../../src/tokenizer/request-limits.js';
import { parsed } from '../support/parsed-requests.js';

const say = (count: number) =>
  Array.from({ length: count }, () => ({ role: 'user', content: 'x' }));

test('messages are counted over all conversations', () => {
  const limits = { ...NO_LIMITS, messages: 4 };
  checkMessages(parsed('chat', { messages: say(4) }), limits);
  checkMessages(parsed('completions', { prompt: 'x' }), limits);
  assert.throws(() => checkMessages(parsed('chat', { messages: say(5) }), limits), {
    ...{ code: 'invalid_request', param: 'messages' },
    message: /has 5 messages, the router takes at most 4/,
  });
  const batch = parsed('chat-batch', { messages: [say(3), say(2)] });
  assert.throws(() => checkMessages(batch, limits), /has 5 messages/);
});

test('tokens are counted over all prompts', () => {
  const limits = { ...NO_LIMITS, promptTokens: 10 };
  checkPromptTokens([6, 4], limits);
  assert.throws(() => checkPromptTokens([6, 5], limits), {
    ...{ code: 'prompt_too_long', status: 400, param: 'input_tokens' },
    message: /has 11 tokens, the router takes at most 10/,
  });
});
