import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../src/errors.js';
import type { ChatRequest, Json } from '../../src/inference-request.js';
import { JsonFloat } from '../../src/json.js';
import { parseRequest } from '../../src/openai/request-parser.js';
import { bytesOf } from '../support/qwen3.js';

const USER = { role: 'user', content: 'hi' };

function parse(body: unknown): ChatRequest {
  const request = parseRequest('chat', bytesOf(body));
  assert.ok(request.kind === 'chat');
  return request;
}

function chat(fields: Record<string, unknown>): ChatRequest {
  return parse({ model: 'm', messages: [USER], ...fields });
}

function plain(value: Json | undefined): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

function refuses(body: unknown, code: string, message: RegExp, param?: string | null): void {
  assert.throws(
    () => parse(body),
    (error) => {
      assert.ok(error instanceof RouterError, String(error));
      assert.equal(error.code, code);
      assert.equal(error.status, 400);
      assert.match(error.message, message);
      if (param !== undefined) assert.equal(error.param, param);
      return true;
    },
  );
}

test('a request without options gets vLLM defaults', () => {
  assert.deepEqual(parse({ model: 'm', messages: [USER] }), {
    kind: 'chat',
    model: 'm',
    stream: false,
    cacheSalt: null,
    truncatePromptTokens: null,
    truncationSide: null,
    addGenerationPrompt: true,
    continueFinalMessage: false,
    messages: [{ role: 'user', content: 'hi', fields: new Map() }],
    hasMedia: false,
    tools: null,
    toolChoiceNone: false,
    documents: null,
    reasoningEffort: null,
    chatTemplate: null,
    chatTemplateKwargs: new Map(),
    promptTokenIds: null,
    addSpecialTokens: false,
    maxTokens: null,
    priority: 0,
    skipsCacheRead: false,
  });
});

test('a body that is no JSON object is refused with the place', () => {
  refuses('{"model": "m",\n "messages": [}', 'invalid_json', /not valid JSON: .* line 2 column 15/);
  refuses('', 'invalid_json', /unexpected end/);
  refuses('[]', 'invalid_request', /must be a JSON object, not an array/);
  refuses('null', 'invalid_request', /not null/);
  refuses('"x"', 'invalid_request', /not a string/);
  refuses('{"messages": "\\ud800"}', 'invalid_json', /lone surrogate/);
});

test('invalid UTF-8 is refused with the byte', () => {
  const body = Buffer.concat([bytesOf('{"a":"é\ufffd'), Buffer.from([0xff]), bytesOf('"}')]);
  assert.throws(() => parseRequest('chat', body), /not valid UTF-8 at byte 11/);
  const surrogate = Buffer.concat([
    bytesOf('{"a":"'),
    Buffer.from([0xed, 0xa0, 0x80]),
    bytesOf('"}'),
  ]);
  assert.throws(() => parseRequest('chat', surrogate), /not valid UTF-8 at byte 6/);
});

test('a byte order mark is skipped', () => {
  assert.equal(parse(`\ufeff${JSON.stringify({ model: 'm', messages: [USER] })}`).model, 'm');
});

test('a wrong field is named by its path', () => {
  const cases: [Record<string, unknown>, RegExp, string][] = [
    [{ messages: undefined }, /messages: is required/, 'messages'],
    [{ messages: [] }, /must hold at least one message/, 'messages'],
    [{ messages: 'hi' }, /must be an array, not a string/, 'messages'],
    [{ messages: [USER, 5] }, /must be an object, not a number/, 'messages[1]'],
    [{ messages: [{ content: 'x' }] }, /role: is required/, 'messages[0].role'],
    [
      { messages: [{ role: 1, content: 'x' }] },
      /must be a string, not a number/,
      'messages[0].role',
    ],
    [{ messages: [{ role: 'user', content: 5 }] }, /not a number/, 'messages[0].content'],
    [
      { messages: [{ role: 'user', content: [5] }] },
      /must be a string or an object/,
      'messages[0].content[0]',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'text', text: 5 }] }] },
      /must be a string, not a number/,
      'messages[0].content[0].text',
    ],
    [
      { messages: [{ role: 'user', content: [{ x: 1 }] }] },
      /is required/,
      'messages[0].content[0].type',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 7 }] }] },
      /must be a string/,
      'messages[0].content[0].type',
    ],
    [
      { messages: [{ role: 'assistant', tool_calls: 'x' }] },
      /must be an array/,
      'messages[0].tool_calls',
    ],
    [
      { messages: [{ role: 'assistant', tool_calls: [{ function: { arguments: '{}' } }] }] },
      /is required/,
      'messages[0].tool_calls[0].function.name',
    ],
    [
      {
        messages: [
          { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '{' } }] },
        ],
      },
      /is not valid JSON/,
      'messages[0].tool_calls[0].function.arguments',
    ],
    [{ tools: [] }, /must not be an empty array/, 'tools'],
    [{ tools: {} }, /must be an array/, 'tools'],
    [{ tools: [{ type: 'function' }] }, /is required/, 'tools[0].function'],
    [{ tools: [{ type: 'mcp', function: { name: 'f' } }] }, /must be "function"/, 'tools[0].type'],
    [
      { tools: [{ type: 'function', function: { name: 'f', parameters: 'x' } }] },
      /must be an object, not a string/,
      'tools[0].function.parameters',
    ],
    [{ cache_salt: '' }, /non-empty/, 'cache_salt'],
    [{ cache_salt: 5 }, /must be a string/, 'cache_salt'],
    [{ model: 5 }, /must be a string/, 'model'],
    [{ documents: ['x'] }, /must be an object/, 'documents[0]'],
    [{ chat_template_kwargs: [] }, /must be an object/, 'chat_template_kwargs'],
    [{ chat_template_kwargs: { tokenize: 1 } }, /cannot be set/, 'chat_template_kwargs.tokenize'],
    [{ truncate_prompt_tokens: -2 }, /between -1 and/, 'truncate_prompt_tokens'],
    [{ truncate_prompt_tokens: 1.5 }, /must be an integer/, 'truncate_prompt_tokens'],
    [{ truncation_side: 'up' }, /"left" or "right", not "up"/, 'truncation_side'],
    [{ add_generation_prompt: 'maybe' }, /true or false/, 'add_generation_prompt'],
    [{ reasoning_effort: 3 }, /must be a string/, 'reasoning_effort'],
    [
      { kv_transfer_params: { prompt_token_ids: [1, -1] } },
      /between 0 and 4294967295, not -1/,
      'kv_transfer_params.prompt_token_ids[1]',
    ],
  ];
  for (const [fields, message, param] of cases) {
    refuses({ model: 'm', messages: [USER], ...fields }, 'invalid_request', message, param);
  }
});

test('fields that do not change the prompt are left to the engine', () => {
  const request = chat({
    temperature: 'hot',
    stream_options: { include_usage: true },
    max_tokens: -5,
    n: 'x',
    logprobs: null,
    unknown_field: { a: 1 },
    stream: 'perhaps',
    response_format: 5,
  });
  assert.equal(request.maxTokens, null);
  assert.equal(request.stream, false);
});

test('values are read as loosely as pydantic reads them', () => {
  assert.equal(chat({ stream: 1 }).stream, true);
  assert.equal(chat({ stream: 'Yes' }).stream, true);
  assert.equal(parse('{"messages":[{"role":"user"}],"max_tokens":5.0}').maxTokens, 5);
  assert.equal(chat({ truncate_prompt_tokens: '7' }).truncatePromptTokens, 7);
  assert.equal(chat({ add_special_tokens: 'on' }).addSpecialTokens, true);
  assert.equal(chat({ max_tokens: 5, max_completion_tokens: 3 }).maxTokens, 3);
});

test('continuing the final message excludes a generation prompt', () => {
  refuses(
    { model: 'm', messages: [USER], continue_final_message: true },
    'invalid_request',
    /Cannot set both/,
  );
  const request = chat({ continue_final_message: true, add_generation_prompt: false });
  assert.equal(request.continueFinalMessage, true);
});

test('a message keeps the fields a template may see, in vLLM order', () => {
  const [message] = parse({
    messages: [
      {
        name: 'n',
        reasoning_content: 'because',
        refusal: 'x',
        tool_calls: [
          { type: 'function', function: { name: 'f', arguments: '{"a":1.0}' }, x: 1, id: 'c' },
        ],
        tool_call_id: 'only for tools',
        content: null,
        role: 'assistant',
      },
    ],
  }).messages;
  assert.ok(message !== undefined);
  assert.equal(message.content, null);
  assert.deepEqual(
    [...message.fields.keys()],
    ['tool_calls', 'reasoning', 'reasoning_content', 'name'],
  );
  const calls = message.fields.get('tool_calls');
  assert.ok(Array.isArray(calls) && calls[0] instanceof Map);
  assert.deepEqual([...calls[0].keys()], ['id', 'function', 'type']);
  assert.deepEqual(plain(calls[0]), {
    id: 'c',
    function: { arguments: { a: new JsonFloat(1) }, name: 'f' },
    type: 'function',
  });
});

test('arguments that are absent, null or empty are an empty object', () => {
  const calls = [
    {},
    { arguments: null },
    { arguments: '' },
    { arguments: {} },
    { arguments: '[1]' },
  ];
  const [message] = parse({
    messages: [
      {
        role: 'assistant',
        tool_calls: calls.map((call) => ({ id: 'c', function: { name: 'f', ...call } })),
      },
    ],
  }).messages;
  const parsed = plain(message?.fields.get('tool_calls'));
  assert.deepEqual(Array.isArray(parsed) && parsed.map((call) => call.function.arguments), [
    {},
    {},
    {},
    {},
    [1],
  ]);
});

test('tools have pydantic order, nulls for what is absent, and no unknown keys', () => {
  const request = chat({
    tools: [
      { function: { parameters: { z: 1, a: 2 }, name: 'f', x: 1 }, type: 'function', x: 1 },
      { function: { name: 'g', strict: true, description: 'd' }, defer_loading: true },
    ],
  });
  const [first, second] = request.tools ?? [];
  assert.equal(
    JSON.stringify(plain(first)),
    '{"type":"function","function":{"name":"f","description":null,"parameters":{"z":1,"a":2}}}',
  );
  assert.equal(
    JSON.stringify(plain(second)),
    '{"type":"function","function":{"name":"g","description":"d","parameters":null,"strict":true,' +
      '"defer_loading":true},"defer_loading":true}',
  );
});

test('media parts are told apart from text, also of kinds we do not know', () => {
  const request = parse({
    messages: [
      {
        role: 'user',
        content: [
          'a',
          { type: 'text', text: 'b', cache_control: 1 },
          { type: 'image_url', image_url: { url: 'u' } },
          { image_url: 'u', uuid: 'x' },
          { type: 'input_audio', input_audio: {} },
          { type: 'hologram' },
          { type: 'tool_reference', name: 't' },
          { type: 'text', text: null },
        ],
      },
    ],
  });
  assert.equal(request.hasMedia, true);
  assert.deepEqual(request.messages[0]?.content, [
    { kind: 'text', text: 'a', extra: null },
    { kind: 'text', text: 'b', extra: new Map([['cache_control', 1]]) },
    { kind: 'media', modality: 'image' },
    { kind: 'media', modality: 'image' },
    { kind: 'media', modality: 'audio' },
    { kind: 'media', modality: 'hologram' },
    { kind: 'tool-reference', name: 't' },
  ]);
});

test('forwarded prompt tokens replace rendering, except with media', () => {
  const kv_transfer_params = { prompt_token_ids: [5, 6] };
  assert.deepEqual(chat({ kv_transfer_params }).promptTokenIds, Uint32Array.of(5, 6));
  const image = { role: 'user', content: [{ type: 'image_url', image_url: { url: 'u' } }] };
  assert.equal(parse({ messages: [image], kv_transfer_params }).promptTokenIds, null);
});

test('prompt logprobs keep an engine from reading its cache', () => {
  assert.equal(chat({ prompt_logprobs: 0 }).skipsCacheRead, true);
  assert.equal(chat({ prompt_logprobs: null }).skipsCacheRead, false);
  assert.equal(chat({ echo: true }).skipsCacheRead, true);
});
