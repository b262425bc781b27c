import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isObject, parseJson } from '../../src/json.js';
import { parseGenerationOptions } from '../../src/sim/generation-options.js';

function parse(body: object, fields: readonly string[] = ['max_tokens']) {
  const object = parseJson(JSON.stringify(body));
  assert.ok(isObject(object));
  return parseGenerationOptions(object, fields, 16);
}

test('without any field the defaults of vLLM apply', () => {
  assert.deepEqual(parse({}), {
    n: 1,
    maxTokens: 16,
    minTokens: 0,
    ignoreEos: false,
    stop: [],
    stopTokenIds: new Set(),
    includeStop: false,
    echo: false,
    stream: false,
    includeUsage: false,
    continuousUsage: false,
    returnTokenIds: false,
    seed: 0,
  });
});

test('null fields count as absent', () => {
  const nulls = { n: null, max_tokens: null, stop: null, stream_options: null, seed: null };
  assert.deepEqual(parse(nulls), parse({}));
});

test('fields are read in the spellings that vLLM accepts', () => {
  const options = parse({
    n: 2,
    max_tokens: '7',
    min_tokens: 3,
    ignore_eos: 1,
    stop: 'x',
    stop_token_ids: [5],
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
    return_token_ids: true,
    logprobs: null,
    repetition_penalty: 1.0,
  });
  assert.deepEqual(options, {
    n: 2,
    maxTokens: 7,
    minTokens: 3,
    ignoreEos: true,
    stop: ['x'],
    stopTokenIds: new Set([5]),
    includeStop: false,
    echo: false,
    stream: true,
    includeUsage: true,
    continuousUsage: true,
    returnTokenIds: true,
    seed: 0,
  });
});

test('the newer name of the limit wins', () => {
  const names = ['max_completion_tokens', 'max_tokens'];
  assert.equal(parse({ max_tokens: 5, max_completion_tokens: 9 }, names).maxTokens, 9);
  assert.equal(parse({ max_tokens: 5 }, names).maxTokens, 5);
});

test('wrong fields are named', () => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ n: 0 }, /^n: must be between 1 and/],
    [{ max_tokens: 0 }, /^max_tokens: must be between 1 and/],
    [{ stop: ['a', ''] }, /^stop\[1\]: must not be empty/],
    [{ stop: 5 }, /^stop\[0\]: must be a string, not a number/],
    [{ stop: Array(65).fill('a') }, /^stop: more than 64/],
    [{ stop_token_ids: ['a'] }, /^stop_token_ids\[0\]: must be an integer/],
    [{ stream: 'maybe' }, /^stream: must be true or false/],
    [{ stream_options: { include_usage: true } }, /^stream_options: is only allowed together/],
  ];
  for (const [body, message] of cases) {
    assert.throws(() => parse(body), { code: 'invalid_request', message });
  }
});
