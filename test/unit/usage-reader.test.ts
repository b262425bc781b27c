import assert from 'node:assert/strict';
import test from 'node:test';
import { UsageReader } from '../../src/openai/usage-reader.js';

const USAGE =
  '"usage":{"prompt_tokens":120,"total_tokens":130,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":96}}';

const FOUND = { promptTokens: 120, cachedTokens: 96, completionTokens: 10 };

function read(text: string, chunkBytes: number) {
  const reader = new UsageReader();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    reader.push(bytes.subarray(at, at + chunkBytes));
  }
  return reader.read();
}

test('usage of a JSON answer is found however the bytes are cut', () => {
  const text = `{"id":"x","choices":[{"text":"${'word '.repeat(2000)}"}],${USAGE}}`;
  for (const chunkBytes of [1, 7, 64, 1023, 1024, 1025, 100_000]) {
    assert.deepEqual(read(text, chunkBytes), FOUND);
  }
});

test('usage of a stream is that of its last usage chunk', () => {
  const early = 'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n';
  const text = `${early}data: {"choices":[],${USAGE}}\n\ndata: [DONE]\n\n`;
  assert.deepEqual(read(text, 50), FOUND);
});

test('an engine that does not report cached tokens leaves them unknown', () => {
  const text = '{"usage":{"prompt_tokens":5,"total_tokens":6,"prompt_tokens_details":null}}';
  assert.deepEqual(read(text, 10), {
    promptTokens: 5,
    cachedTokens: null,
    completionTokens: null,
  });
});

test('usage in the words of the responses API is read', () => {
  const usage =
    '"usage":{"input_tokens":120,"input_tokens_details":{"cached_tokens":96},"output_tokens":10,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":130}';
  const text = `event: response.completed\ndata: {"response":{"output":[],${usage},"user":null}}\n\n`;
  assert.deepEqual(read(text, 30), FOUND);
});

test('Anthropic usage counts cached tokens apart from the other input', () => {
  const start = '{"usage":{"input_tokens":120,"output_tokens":0}}';
  const usage =
    '"usage":{"input_tokens":24,"output_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":96}';
  const text = `data: ${start}\n\ndata: {"delta":{},${usage}}\n\ndata: {"type":"message_stop"}\n\n`;
  assert.deepEqual(read(text, 40), FOUND);
  assert.deepEqual(read(start, 40), { promptTokens: 120, cachedTokens: null, completionTokens: 0 });
});

test('an answer without usage has none', () => {
  assert.equal(read('data: {"choices":[]}\n\ndata: [DONE]\n\n', 5), null);
  assert.equal(read('', 5), null);
});
