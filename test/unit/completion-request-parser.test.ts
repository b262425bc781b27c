import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../src/errors.js';
import type { CompletionRequest } from '../../src/inference-request.js';
import { parseRequest } from '../../src/openai/request-parser.js';
import { bytesOf } from '../support/qwen3.js';

function parse(body: unknown): CompletionRequest {
  const request = parseRequest('completions', bytesOf(body));
  assert.ok(request.kind === 'completion');
  return request;
}

test('each form of prompt gives one prompt an engine request', () => {
  assert.deepEqual(parse({ prompt: 'a' }).prompts, ['a']);
  assert.deepEqual(parse({ prompt: ['a', 'b'] }).prompts, ['a', 'b']);
  assert.deepEqual(parse({ prompt: [1, 2] }).prompts, [Uint32Array.of(1, 2)]);
  assert.deepEqual(parse({ prompt: [[1], [2, 4294967295]] }).prompts, [
    Uint32Array.of(1),
    Uint32Array.of(2, 4294967295),
  ]);
  assert.deepEqual(parse('{"prompt":[1.0,2]}').prompts, [Uint32Array.of(1, 2)]);
  assert.deepEqual(parse({ prompt: null, prompt_embeds: 'AAAA' }).prompts, []);
});

test('a wrong prompt is named by its path', () => {
  const cases: [unknown, RegExp, string][] = [
    [undefined, /is required/, 'prompt'],
    [null, /is required/, 'prompt'],
    [5, /must be a string, an array/, 'prompt'],
    [{}, /not an object/, 'prompt'],
    [[], /at least one prompt/, 'prompt'],
    [['a', 1], /must be a string like the first prompt/, 'prompt[1]'],
    [[1, 'a'], /must be an integer, not a string/, 'prompt[1]'],
    [[1, 1.5], /must be an integer/, 'prompt[1]'],
    [[1, -1], /between 0 and 4294967295, not -1/, 'prompt[1]'],
    [[4294967296], /between 0 and 4294967295/, 'prompt[0]'],
    [[[1], []], /at least one token id/, 'prompt[1]'],
    [[[1], 'a'], /array of token ids like the first/, 'prompt[1]'],
    [[[1, null]], /must be an integer, not null/, 'prompt[0][1]'],
    [[{}], /must be an integer, not an object/, 'prompt[0]'],
  ];
  for (const [prompt, message, param] of cases) {
    assert.throws(
      () => parse({ model: 'm', prompt }),
      (error) =>
        error instanceof RouterError &&
        error.code === 'invalid_request' &&
        error.param === param &&
        message.test(error.message),
      JSON.stringify(prompt),
    );
  }
});

test('completions have special tokens and 16 output tokens unless told otherwise', () => {
  const request = parse({ prompt: 'a' });
  assert.equal(request.addSpecialTokens, true);
  assert.equal(request.maxTokens, 16);
  assert.equal(parse({ prompt: 'a', max_tokens: null }).maxTokens, null);
  assert.equal(parse({ prompt: 'a', add_special_tokens: false }).addSpecialTokens, false);
});

test('echo with logprobs keeps an engine from reading its cache', () => {
  assert.equal(parse({ prompt: 'a', echo: true, logprobs: 1 }).skipsCacheRead, true);
  assert.equal(parse({ prompt: 'a', echo: true, logprobs: null }).skipsCacheRead, false);
  assert.equal(parse({ prompt: 'a', logprobs: 1 }).skipsCacheRead, false);
  assert.equal(parse({ prompt: 'a', prompt_logprobs: 1 }).skipsCacheRead, true);
});

test('what the engine judges does not fail here', () => {
  const request = parse({ prompt: 'a', suffix: 'x', n: -1, stream_options: 5, best_of: 'x' });
  assert.equal(request.stream, false);
});
