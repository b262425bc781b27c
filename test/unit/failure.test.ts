import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../src/errors.js';
import { errorBody, errorEvent } from '../../src/openai/failure.js';

const error = new RouterError('model_not_found', 'The model `x` does not exist.', {
  param: 'model',
});

test('an error body is vLLM-shaped, its code the HTTP status', () => {
  assert.deepEqual(JSON.parse(errorBody(error)), {
    error: {
      message: 'The model `x` does not exist.',
      type: 'NotFoundError',
      param: 'model',
      code: 404,
    },
  });
  assert.equal(JSON.parse(errorBody(new RouterError('internal', 'a\nb'))).error.param, null);
});

test('an error in a stream is one event and the end mark', () => {
  const event = errorEvent(new RouterError('engine_closed', 'line\nline'));
  const [data, done, rest] = event.split('\n\n');
  assert.ok(data?.startsWith('data: {"error":'));
  assert.equal(data?.includes('\n'), false);
  assert.equal(done, 'data: [DONE]');
  assert.equal(rest, '');
});
