import assert from 'node:assert/strict';
import test from 'node:test';
import { assertSamePrompt, assertUnknownPrompt, parsed } from '../support/parsed-requests.js';

const user = { role: 'user', content: 'Hi' };

test('a conversation with tools is the same chat', () => {
  const call = { id: 'c', type: 'function', function: { name: 'look', arguments: '{"q":1}' } };
  const look = { name: 'look', description: 'Looks.', parameters: { type: 'object' } };
  assertSamePrompt(
    'cohere-chat',
    {
      model: 'm',
      max_tokens: 3,
      messages: [
        {
          role: 'system',
          content: [
            { type: 'text', text: 'Be ' },
            { type: 'text', text: 'brief.' },
          ],
        },
        { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
        { role: 'assistant', tool_plan: 'Look it up.', tool_calls: [call] },
        {
          role: 'tool',
          tool_call_id: 'c',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
      ],
      tools: [{ type: 'function', function: look }],
      tool_choice: 'NONE',
      strict_tools: true,
    },
    {
      model: 'm',
      max_tokens: 3,
      messages: [
        { role: 'system', content: 'Be brief.' },
        user,
        { role: 'assistant', reasoning: 'Look it up.', tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c', content: 'a\nb' },
      ],
      tools: [{ type: 'function', function: { ...look, strict: true } }],
      tool_choice: 'none',
    },
  );
});

test('documents and modes are offered to the template, under what the request itself gives', () => {
  assertSamePrompt(
    'cohere-chat',
    {
      messages: [user],
      documents: ['plain', { data: { title: 't' } }, { id: 'own', data: 'text' }],
      safety_mode: 'STRICT',
      thinking: { type: 'enabled', token_budget: null },
      chat_template_kwargs: { safety_mode: 'mine' },
    },
    {
      messages: [user],
      chat_template_kwargs: {
        safety_mode: 'mine',
        documents: [
          { id: 'doc_0', data: { text: 'plain' } },
          { id: 'doc_1', data: { title: 't' } },
          { id: 'own', data: { text: 'text' } },
        ],
        thinking: { type: 'enabled' },
      },
    },
  );
});

test('an unknown role is left to the engine, no messages are refused', () => {
  assertUnknownPrompt('cohere-chat', { messages: [{ role: 'narrator', content: 'x' }] });
  assert.throws(() => parsed('cohere-chat', { messages: 'Hi' }), /messages: must be an array/);
});
