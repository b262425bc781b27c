import assert from 'node:assert/strict';
import test from 'node:test';
import { promptQuestion } from '../../src/openai/prompt-question.js';
import { assertUnknownPrompt, parsed } from '../support/parsed-requests.js';

const messages = [{ role: 'user', content: 'a' }];

test('a body with messages is a chat, one with a prompt a completion', () => {
  const chat = { model: 'm', messages, max_tokens: 3, stream: true };
  assert.deepEqual(parsed('invocation', chat), parsed('chat', chat));
  const completion = { model: 'm', prompt: 'a', stream: false };
  assert.deepEqual(parsed('invocation', completion), parsed('completions', completion));
});

test('anything else goes to an engine, which knows more kinds', () => {
  for (const body of [
    { input: 'embed me', model: 'm' },
    { text_1: 'a', text_2: 'b' },
    { query: 'a', documents: ['b'] },
    { messages: 'no list' },
    { messages: [{ content: 'without a role' }] },
  ]) {
    assertUnknownPrompt('invocation', body);
  }
});

test('an engine that makes the tokens is asked by the route of what it is', () => {
  const ask = (body: object) => promptQuestion('invocation', Buffer.from(JSON.stringify(body)));
  assert.equal(ask({ messages })?.path, '/v1/chat/completions/render');
  assert.equal(ask({ prompt: 'a' })?.path, '/v1/completions/render');
  assert.equal(ask({ input: 'a' }), null);
});
