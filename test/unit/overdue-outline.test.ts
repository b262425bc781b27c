import assert from 'node:assert/strict';
import test from 'node:test';
import { parseRequest } from '../../src/openai/request-parser.js';
import { overdueOutline } from '../../src/router/overdue-outline.js';
import { bytesOf } from '../support/qwen3.js';

const MODEL = { aliases: [], tokenizer: 'none', hashSettings: [], maxModelLen: null };
const MODELS = {
  version: 1,
  text: JSON.stringify([
    { ...MODEL, name: 'one', loraAdapters: ['adapter'] },
    { ...MODEL, name: 'two', loraAdapters: [] },
  ]),
};
const outline = overdueOutline();
const ask = (body: unknown) => outline({ shape: 'chat', body: bytesOf(body), models: MODELS });
const chat = (messages: number) =>
  Array.from({ length: messages }, (_, i) => ({ role: 'user', content: `line\n${i} `.repeat(20) }));

test('a small request is read, and refused when it is wrong', () => {
  const reply = ask({ model: 'adapter', messages: chat(2), stream: true });
  assert.ok(reply.ok);
  assert.deepEqual([reply.model, reply.loraName, reply.stream], ['one', 'adapter', true]);
  assert.equal(reply.unmatched, 'deadline');
  const wrong = ask({ model: 'one', messages: [] });
  assert.ok(!wrong.ok && wrong.code === 'invalid_request');
});

test('of a large one the fields that decide are found wherever they are', () => {
  const messages = chat(3000);
  for (const body of [
    { model: 'two', stream: true, priority: 4, messages },
    { messages, model: 'two', stream: true, priority: 4 },
  ]) {
    const reply = ask(body);
    assert.ok(reply.ok);
    assert.deepEqual([reply.model, reply.stream, reply.priority], ['two', true, 4]);
    assert.ok(reply.promptTokens > 100_000, 'its size still counts as load');
  }
  const between = ask({ messages, model: 'two', more: messages });
  assert.ok(between.ok && between.model === 'two');
});

test('a large one is never refused for a guess', () => {
  const messages = chat(3000);
  for (const body of [
    { messages },
    { model: 'unheard of', messages },
    '{"model":'.repeat(40_000),
  ]) {
    const reply = ask(body);
    assert.ok(!reply.ok && reply.code === 'internal');
  }
});

test('a large one costs a small part of what reading it would', () => {
  const body = bytesOf({ messages: chat(60_000), model: 'two' });
  const timed = (work: () => unknown) => {
    const start = performance.now();
    work();
    return performance.now() - start;
  };
  const read = Math.min(...[1, 2, 3].map(() => timed(() => parseRequest('chat', body))));
  const outlined = Math.min(
    ...[1, 2, 3, 4, 5].map(() => timed(() => outline({ shape: 'chat', body, models: MODELS }))),
  );
  assert.ok(outlined < read / 5, `${outlined} ms instead of ${read} ms`);
});
