import assert from 'node:assert/strict';
import test from 'node:test';
import { assertUnknownPrompt, parsed } from '../support/parsed-requests.js';

test('token ids are the prompt as they are', () => {
  const request = parsed('generate', {
    model: 'm',
    token_ids: [5, 0, 4_294_967_295],
    sampling_params: { max_tokens: 7 },
    cache_salt: 's',
    stream: true,
  });
  assert.ok(request.kind === 'completion');
  assert.deepEqual(request.prompts, [Uint32Array.of(5, 0, 4_294_967_295)]);
  assert.deepEqual(
    [request.model, request.maxTokens, request.cacheSalt, request.stream, request.skipsCacheRead],
    ['m', 7, 's', true, false],
  );
});

test('prompt logprobs keep the engine from reading its cache', () => {
  const body = { token_ids: [1], sampling_params: { prompt_logprobs: 1 } };
  assert.equal(parsed('generate', body).skipsCacheRead, true);
});

test('media are left to the engine', () => {
  assertUnknownPrompt('generate', {
    token_ids: [1],
    sampling_params: {},
    features: { mm_hashes: {} },
  });
});

test('token ids of another type are refused by position', () => {
  assert.throws(() => parsed('generate', {}), /token_ids: is required/);
  assert.throws(() => parsed('generate', { token_ids: [] }), /at least one token id/);
  assert.throws(
    () => parsed('generate', { token_ids: [1, 'a'] }),
    /token_ids\[1\]: must be an integer/,
  );
});
