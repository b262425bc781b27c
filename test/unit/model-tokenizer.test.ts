import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestShape } from '../../src/inference-request.js';
import { parseRequest } from '../../src/openai/request-parser.js';
import { chatSettings } from '../../src/tokenizer/chat-settings.js';
import { type EncodedPrompts, ModelTokenizer } from '../../src/tokenizer/model-tokenizer.js';
import { bytesOf, QWEN3_FOLDER } from '../support/qwen3.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';

const TEMPLATE =
  "{{ bos_token }}{% for m in messages %} U: {% for p in m.content %}{% if p.type == 'image' %} [ {% else %} {{ p.text }} {% endif %}{% endfor %}{% endfor %}";
const config = { chat_template: TEMPLATE };

function encode(
  tokenizer: ModelTokenizer,
  shape: RequestShape,
  body: Record<string, unknown>,
  maxModelLen: number | null = null,
): Promise<EncodedPrompts> {
  const request = parseRequest(shape, bytesOf({ model: 'm', ...body }));
  return tokenizer.encodePrompts(request, chatSettings(), maxModelLen);
}

async function idsOf(
  tokenizer: ModelTokenizer,
  shape: RequestShape,
  body: Record<string, unknown>,
  maxModelLen: number | null = null,
): Promise<number[][]> {
  const { tokens } = await encode(tokenizer, shape, body, maxModelLen);
  return tokens.map((prompt) => [...prompt]);
}

test('chats have no extra special tokens, completions have', async () => {
  const tokenizer = await ModelTokenizer.load(tinyTokenizerFolder({ config, addsBos: true }));
  const messages = [{ role: 'user', content: 'a' }];
  assert.deepEqual(await idsOf(tokenizer, 'chat', { messages }), [[0, 11, 3]]);
  assert.deepEqual(await idsOf(tokenizer, 'chat', { messages, add_special_tokens: true }), [
    [0, 0, 11, 3],
  ]);
  assert.deepEqual(await idsOf(tokenizer, 'completions', { prompt: ['a b', 'c'] }), [
    [0, 3, 4],
    [0, 5],
  ]);
  assert.deepEqual(
    await idsOf(tokenizer, 'completions', { prompt: 'a b', add_special_tokens: false }),
    [[3, 4]],
  );
});

test('a class that adds BOS itself does so without help of tokenizer.json', async () => {
  const llama = {
    config: { ...config, tokenizer_class: 'LlamaTokenizerFast', add_eos_token: true },
  };
  const tokenizer = await ModelTokenizer.load(tinyTokenizerFolder(llama));
  assert.deepEqual(await idsOf(tokenizer, 'completions', { prompt: 'a' }), [[0, 3, 1]]);
});

test('token ids are used as they are', async () => {
  const tokenizer = await ModelTokenizer.load(tinyTokenizerFolder({ config, addsBos: true }));
  const { texts, tokens } = await encode(tokenizer, 'completions', { prompt: [9, 9, 4294967295] });
  assert.deepEqual(tokens, [Uint32Array.of(9, 9, 4294967295)]);
  assert.deepEqual(texts, [null]);
  const kv_transfer_params = { prompt_token_ids: [7, 8] };
  const messages = [{ role: 'user', content: 'a' }];
  assert.deepEqual(await idsOf(tokenizer, 'chat', { messages, kv_transfer_params }), [[7, 8]]);
});

test('prompts are cut on the left, special tokens stay', async () => {
  const tokenizer = await ModelTokenizer.load(tinyTokenizerFolder({ config, addsBos: true }));
  const cut = (fields: Record<string, unknown>, maxModelLen: number | null = null) =>
    idsOf(tokenizer, 'completions', { prompt: 'a b c d', ...fields }, maxModelLen);
  assert.deepEqual(await cut({ truncate_prompt_tokens: 3 }), [[0, 5, 6]]);
  assert.deepEqual(await cut({ truncate_prompt_tokens: 3, truncation_side: 'right' }), [[0, 3, 4]]);
  assert.deepEqual(await cut({ truncate_prompt_tokens: 99 }), [[0, 3, 4, 5, 6]]);
  assert.deepEqual(await cut({ truncate_prompt_tokens: -1, max_tokens: 6 }, 10), [[0, 4, 5, 6]]);
  assert.deepEqual(await cut({ truncate_prompt_tokens: -1 }), [[0, 3, 4, 5, 6]]);
  assert.deepEqual(await cut({ prompt: [1, 2, 3], truncate_prompt_tokens: 2 }), [[2, 3]]);
});

test('a chat with media is known up to the first of them', async () => {
  const tokenizer = await ModelTokenizer.load(tinyTokenizerFolder({ config }));
  const image = { type: 'image_url', image_url: { url: 'u' } };
  const content = [{ type: 'text', text: 'a b' }, image, { type: 'text', text: 'c' }];
  const encoded = await encode(tokenizer, 'chat', { messages: [{ role: 'user', content }] });
  assert.equal(encoded.isOpen, true);
  assert.deepEqual([...(encoded.tokens[0] ?? [])], [0, 11, 3, 4]);
});

test('media in front of their text, as string templates have them, end the certain part', async () => {
  const tokenizer = await ModelTokenizer.load(QWEN3_FOLDER);
  const image = { type: 'image_url', image_url: { url: 'u' } };
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'text', text: 'What is this?' }, image] },
  ];
  const { tokens, isOpen } = await encode(tokenizer, 'chat', { messages });
  assert.equal(isOpen, true);
  assert.equal(
    await tokenizer.tokenizer.decode([...(tokens[0] ?? [])]),
    '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n',
  );
});

test('a prompt that only the engine can make has no tokens', async () => {
  const tokenizer = await ModelTokenizer.load(tinyTokenizerFolder({}));
  const messages = [{ role: 'user', content: 'a' }];
  assert.deepEqual(await idsOf(tokenizer, 'chat', { messages }), []);
  assert.deepEqual(await idsOf(tokenizer, 'completions', { prompt_embeds: 'AAAA' }), []);
});
