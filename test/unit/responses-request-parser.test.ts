import assert from 'node:assert/strict';
import test from 'node:test';
import { assertSamePrompt, assertUnknownPrompt, parsed } from '../support/parsed-requests.js';

const user = { role: 'user', content: 'Hi' };

test('a text with instructions is a system and a user message', () => {
  assertSamePrompt(
    'responses',
    { model: 'm', input: 'Hi', instructions: 'Be brief.', max_output_tokens: 5, stream: true },
    {
      model: 'm',
      messages: [{ role: 'system', content: 'Be brief.' }, user],
      max_tokens: 5,
      stream: true,
    },
  );
});

test('thought, speech and calls of one turn are one assistant message', () => {
  assertSamePrompt(
    'responses',
    {
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
        {
          type: 'reasoning',
          id: 'r',
          summary: [],
          content: [{ type: 'reasoning_text', text: 'Hm.' }],
        },
        {
          type: 'message',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'Let me see.' }],
          status: 'completed',
        },
        { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{"q":1}' },
        { type: 'function_call', call_id: 'c2', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: 'found' },
        { role: 'assistant', content: 'Done.' },
        { role: 'assistant', content: 'Really.' },
      ],
    },
    {
      messages: [
        { role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
        {
          role: 'assistant',
          reasoning: 'Hm.',
          content: 'Let me see.',
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'look', arguments: '{"q":1}' } },
            { id: 'c2', type: 'function', function: { name: 'look', arguments: '{}' } },
          ].map(({ id, type, function: called }) => ({ id, function: called, type })),
        },
        { role: 'tool', content: 'found', tool_call_id: 'c1' },
        { role: 'assistant', content: 'Done.' },
        { role: 'assistant', content: 'Really.' },
      ],
    },
  );
});

test('an unfinished answer at the end is continued', () => {
  const input = [
    user,
    { role: 'assistant', content: 'One, ', type: 'message', status: 'in_progress' },
  ];
  const request = parsed('responses', { input });
  assert.ok(request.kind === 'chat');
  assert.equal(request.continueFinalMessage, true);
  assert.equal(request.addGenerationPrompt, false);
});

test('functions are declared as chats declare them; tools that run elsewhere are not', () => {
  const look = { name: 'look', description: 'Looks.', parameters: { type: 'object' } };
  assertSamePrompt(
    'responses',
    { input: 'Hi', tools: [{ type: 'web_search' }, { type: 'function', ...look, strict: true }] },
    { messages: [user], tools: [{ type: 'function', function: { ...look, strict: true } }] },
  );
});

test('effort reaches the template under its own name, and truncation asks for the model length', () => {
  assertSamePrompt(
    'responses',
    { input: 'Hi', reasoning: { effort: 'high' }, truncation: 'auto' },
    {
      messages: [user],
      chat_template_kwargs: { reasoning_effort: 'high' },
      truncate_prompt_tokens: -1,
    },
  );
});

test('what goes on from a state of the engine, or is not known, is left to the engine', () => {
  const unknown = [
    { input: 'Hi', previous_response_id: 'resp_1' },
    { input: 'Hi', previous_input_messages: [{}] },
    { input: [{ type: 'computer_call', id: 'x' }] },
    { input: [{ type: 'reasoning', encrypted_content: 'AA', summary: [] }] },
    { input: [user], tools: [{ type: 'namespace', name: 'n', tools: [] }] },
  ];
  for (const body of unknown) assertUnknownPrompt('responses', body);
});

test('an input of another type is refused by name', () => {
  assert.throws(() => parsed('responses', { input: 5 }), /input: must be a string or an array/);
  assert.throws(() => parsed('responses', {}), /input: is required/);
});
