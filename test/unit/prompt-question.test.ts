import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestShape } from '../../src/inference-request.js';
import { promptQuestion } from '../../src/openai/prompt-question.js';

const ask = (shape: RequestShape, body: object) =>
  promptQuestion(shape, Buffer.from(JSON.stringify(body)));
const bodyOf = (shape: RequestShape, body: object) =>
  JSON.parse(Buffer.from(ask(shape, body)?.body ?? '').toString());

const messages = [{ role: 'user', content: 'a' }];

test('a chat is asked for as it is, without what leaves the prompt alone', () => {
  const kept = {
    model: 'm',
    messages,
    tools: [{ type: 'function' }],
    chat_template_kwargs: { a: 1.5 },
  };
  const dropped = { temperature: 0.1, stream: true, n: 3, cache_salt: 's', max_tokens: 9, seed: 1 };
  assert.deepEqual(bodyOf('chat', { ...dropped, ...kept }), kept);
  assert.equal(ask('chat', kept)?.key, ask('chat', { ...kept, ...dropped })?.key);
  assert.equal(ask('chat', kept)?.path, '/v1/chat/completions/render');
});

test('everything else makes another question', () => {
  const keys = [
    { messages },
    { messages: [{ role: 'user', content: 'b' }] },
    { messages, model: 'm' },
    { messages, tools: [] },
    { messages, field_of_next_year: 1 },
    { messages, chat_template_kwargs: { a: 1 } },
    { messages, chat_template_kwargs: { a: '1' } },
    { messages, add_generation_prompt: false },
  ].map((body) => ask('chat', body)?.key);
  assert.equal(new Set(keys).size, keys.length);
  const [one, other] = ['1', '1.0'].map(
    (text) =>
      promptQuestion('chat', Buffer.from(`{"messages":[],"chat_template_kwargs":{"a":${text}}}`))
        ?.key,
  );
  assert.notEqual(one, other);
});

test('limits of the answer count where the prompt is cut to fit them', () => {
  const cut = { messages, truncate_prompt_tokens: -1 };
  assert.notEqual(
    ask('chat', { ...cut, max_tokens: 1 })?.key,
    ask('chat', { ...cut, max_tokens: 2 })?.key,
  );
});

test('requests of other APIs are asked for as the chat they stand for', () => {
  const anthropic = { model: 'm', system: 's', messages, max_tokens: 5 };
  assert.deepEqual(bodyOf('messages', anthropic), {
    model: 'm',
    messages: [{ role: 'system', content: 's' }, ...messages],
  });
  const { messages: said } = bodyOf('responses', { model: 'm', instructions: 's', input: 'a' });
  assert.deepEqual(said, [{ role: 'system', content: 's' }, ...messages]);
  assert.equal(bodyOf('cohere-chat', { model: 'm', messages }).messages[0].content, 'a');
});

test('what no route renders has no question', () => {
  assert.equal(ask('responses', { input: 'a', previous_response_id: 'x' }), null);
  assert.equal(ask('messages', { messages: [{ role: 'stranger' }] }), null);
  assert.equal(ask('chat-batch', { messages: [messages] }), null);
  assert.equal(ask('generate', { token_ids: [1] }), null);
});

test('/tokenize is asked only where it would say the same', () => {
  assert.equal(ask('chat', { messages })?.notTokenizable, null);
  assert.equal(ask('completions', { prompt: 'a' })?.notTokenizable, null);
  assert.match(ask('chat', { messages, documents: [{}] })?.notTokenizable ?? '', /documents/);
  assert.match(ask('completions', { prompt: ['a', 'b'] })?.notTokenizable ?? '', /one prompt/);
});
