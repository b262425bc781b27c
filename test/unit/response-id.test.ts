import assert from 'node:assert/strict';
import test from 'node:test';
import { previousResponseId, ResponseIdReader } from '../../src/openai/response-id.js';
import { bytesOf } from '../support/qwen3.js';

test('the id that a request goes on from is a key’s value, not a text', () => {
  const text = 'say "previous_response_id":"resp_no"';
  assert.equal(previousResponseId(bytesOf({ input: text })), null);
  assert.equal(
    previousResponseId(bytesOf({ input: text, previous_response_id: 'resp_1' })),
    'resp_1',
  );
  assert.equal(previousResponseId(bytesOf('{"previous_response_id" : "r"}')), 'r');
  assert.equal(previousResponseId(bytesOf({ previous_response_id: null })), null);
});

test('the id of an answer is told once, with the chunk that completes it', () => {
  const whole = '{"id":"resp_1","object":"response","output":[{"id":"msg_1"}]}';
  assert.equal(new ResponseIdReader().push(bytesOf(whole)), 'resp_1');
  const stream =
    'event: response.created\ndata: {"response":{"id":"resp_2","created_at":1},"sequence_number":0}\n\n';
  for (let cut = 1; cut < stream.length; cut++) {
    const reader = new ResponseIdReader();
    const found = [stream.slice(0, cut), stream.slice(cut), stream].map((part) =>
      reader.push(bytesOf(part)),
    );
    assert.deepEqual(
      found.filter((id) => id !== null),
      ['resp_2'],
    );
  }
});

test('an answer without an id is not kept', () => {
  const reader = new ResponseIdReader();
  for (let i = 0; i < 100; i++) assert.equal(reader.push(bytesOf('x'.repeat(100))), null);
  assert.equal(reader.push(bytesOf('"id":"late"')), null);
});
