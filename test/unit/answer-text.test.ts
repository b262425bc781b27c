import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerText, answerSeed } from '../../src/sim/answer-text.js';
import { loadPromptEncoder, shippedTokenizer } from '../../src/sim/model-encoder.js';
import { byteEncoder } from '../support/byte-encoder.js';

test("tokens' texts joined are what the tokenizer decodes", async () => {
  for (const encoder of [byteEncoder, await loadPromptEncoder(shippedTokenizer())]) {
    const answer = await AnswerText.from(encoder);
    const tokens = Array.from({ length: 150 }, (_, i) => answer.tokenAt(3, i));
    const text = await encoder.decode(tokens.map(({ id }) => id));
    assert.equal(tokens.map((token) => token.text).join(''), text);
    assert.match(text, /^[ A-Za-z,.;]+$/);
  }
});

test('the same prompt gives the same answer, another prompt, number or seed another one', () => {
  const prompt = Uint32Array.of(1, 2, 3);
  const seed = answerSeed(prompt, 0, 0);
  assert.equal(seed, answerSeed(Uint32Array.of(1, 2, 3), 0, 0));
  const others = [
    answerSeed(Uint32Array.of(1, 2, 4), 0, 0),
    answerSeed(prompt, 1, 0),
    answerSeed(prompt, 0, 1),
  ];
  assert.equal(new Set([seed, ...others]).size, 4);
});

test('natural lengths spread between their bounds', async () => {
  const answer = await AnswerText.from(byteEncoder);
  const lengths = Array.from({ length: 2000 }, (_, i) =>
    answer.naturalLength(answerSeed(Uint32Array.of(i), 0, 0)),
  );
  assert.deepEqual([Math.min(...lengths), Math.max(...lengths)], [24, 128]);
});
