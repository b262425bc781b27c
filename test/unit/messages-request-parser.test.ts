import assert from 'node:assert/strict';
import test from 'node:test';
import { assertSamePrompt, assertUnknownPrompt, parsed } from '../support/parsed-requests.js';

const user = { role: 'user', content: 'Hi' };

test('a plain conversation is the same chat, with its limit and stream flag', () => {
  assertSamePrompt(
    'messages',
    { model: 'm', max_tokens: 9, stream: true, messages: [user] },
    { model: 'm', max_tokens: 9, stream: true, messages: [user] },
  );
});

test('system texts are joined in front, wherever they stand, without the billing header', () => {
  const system = [
    { type: 'text', text: 'x-anthropic-billing-header: cch=1f2e' },
    { type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } },
    { type: 'text', text: ' Be kind.' },
  ];
  assertSamePrompt(
    'messages',
    { max_tokens: 1, system, messages: [user, { role: 'system', content: ' Be quick.' }] },
    {
      max_tokens: 1,
      messages: [{ role: 'system', content: 'Be brief. Be kind. Be quick.' }, user],
    },
  );
});

test('a single text block is a string, several are parts', () => {
  const text = (value: string) => ({ type: 'text', text: value });
  assertSamePrompt(
    'messages',
    {
      max_tokens: 1,
      messages: [
        { role: 'user', content: [text('one')] },
        { role: 'ctx', content: [text('two'), text('three')] },
      ],
    },
    {
      max_tokens: 1,
      messages: [
        { role: 'user', content: 'one' },
        { role: 'user', content: [text('two'), text('three')] },
      ],
    },
  );
});

test('thoughts, tool uses and tool results become what a chat has for them', () => {
  assertSamePrompt(
    'messages',
    {
      max_tokens: 1,
      messages: [
        user,
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Look it up.', signature: 's' },
            { type: 'redacted_thinking', data: 'AA==' },
            { type: 'text', text: 'One moment.' },
            { type: 'tool_use', id: 't1', name: 'look', input: { q: 'x', n: 1 } },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 't1',
              content: [
                { type: 'text', text: 'a' },
                { type: 'text', text: 'b' },
              ],
            },
            { type: 'text', text: 'Well?' },
          ],
        },
      ],
    },
    {
      max_tokens: 1,
      messages: [
        user,
        {
          role: 'assistant',
          content: 'One moment.',
          reasoning: 'Look it up.',
          tool_calls: [
            {
              id: 't1',
              type: 'function',
              function: { name: 'look', arguments: '{"q":"x","n":1}' },
            },
          ],
        },
        { role: 'tool', tool_call_id: 't1', content: 'a\nb' },
        { role: 'user', content: 'Well?' },
      ],
    },
  );
});

test('a user message of tool results alone adds no message of its own', () => {
  const result = { type: 'tool_result', tool_use_id: 't1', content: 'done' };
  assertSamePrompt(
    'messages',
    { max_tokens: 1, messages: [user, { role: 'user', content: [result] }] },
    { max_tokens: 1, messages: [user, { role: 'tool', tool_call_id: 't1', content: 'done' }] },
  );
});

test('tools are declared as functions; a schema without a type is an object', () => {
  assertSamePrompt(
    'messages',
    {
      max_tokens: 1,
      messages: [user],
      tool_choice: { type: 'none' },
      tools: [{ name: 'look', description: 'Looks.', input_schema: { properties: {} } }],
    },
    {
      max_tokens: 1,
      messages: [user],
      tool_choice: 'none',
      tools: [
        {
          type: 'function',
          function: {
            name: 'look',
            description: 'Looks.',
            parameters: { properties: {}, type: 'object' },
          },
        },
      ],
    },
  );
});

test('effort and template arguments reach the template', () => {
  assertSamePrompt(
    'messages',
    {
      max_tokens: 1,
      messages: [user],
      output_config: { effort: 'low' },
      chat_template_kwargs: { mood: 'calm' },
      cache_salt: 'salt',
    },
    {
      max_tokens: 1,
      messages: [user],
      reasoning_effort: 'low',
      chat_template_kwargs: { mood: 'calm' },
      cache_salt: 'salt',
    },
  );
});

test('an image ends what is known of the prompt, also inside a tool result', () => {
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA' } };
  for (const content of [[image], [{ type: 'tool_result', tool_use_id: 't', content: [image] }]]) {
    const request = parsed('messages', { max_tokens: 1, messages: [{ role: 'user', content }] });
    assert.ok(request.kind === 'chat' && request.hasMedia);
  }
});

test('what the conversion does not know is left to the engine', () => {
  const unknown = [
    { messages: [{ role: 'user', content: [{ type: 'document' }] }] },
    { messages: [{ role: 'narrator', content: 'x' }] },
    { messages: [7] },
    { messages: [user], tools: [{ type: 'bash_20250124', name: 'bash' }] },
  ];
  for (const body of unknown) assertUnknownPrompt('messages', { max_tokens: 1, ...body });
});

test('a body without messages is refused by name', () => {
  assert.throws(() => parsed('messages', { max_tokens: 1 }), /messages: is required/);
  assert.throws(() => parsed('messages', { messages: [] }), /at least one message/);
  assert.throws(
    () => parsed('messages', { messages: [user], model: 3 }),
    /model: must be a string/,
  );
});
