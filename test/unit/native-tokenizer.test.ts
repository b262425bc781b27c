import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { HfTokenizer } from '../../src/tokenizer/hf-tokenizer.js';
import { NativeTokenizer, openNativeTokenizer } from '../../src/tokenizer/native-tokenizer.js';
import { readTokenizerFolder } from '../../src/tokenizer/tokenizer-folder.js';
import { readTokenizerJson, UnsupportedTokenizer } from '../../src/tokenizer/tokenizer-json.js';
import { QWEN3_FOLDER } from '../support/qwen3.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';

const QWEN3_FILE = join(QWEN3_FOLDER, 'tokenizer.json');
const qwen3 = new NativeTokenizer(QWEN3_FILE);
const oracle = new HfTokenizer(QWEN3_FILE);

/** A minimal file that the tables can hold; `changes` replace its top-level keys. */
function minimalFile(changes: Record<string, unknown> = {}, model: Record<string, unknown> = {}) {
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: {}, merges: [], ...model },
    ...changes,
  };
}

test('strings and bytes of the same text have the same ids', async () => {
  for (const text of ['', 'a', 'Hello, wörld! 你好', '<|im_start|>user\n', '\ud800x\udfff']) {
    const ids = await qwen3.encode(text, true);
    assert.deepEqual(qwen3.encodeBytes(Buffer.from(text), true), ids);
    assert.deepEqual(ids, await oracle.encode(text, true));
  }
});

test('bytes that are not UTF-8 count as replacement characters', async () => {
  const bytes = Buffer.from([0x61, 0xff, 0x62, 0xc3, 0x28, 0xe2, 0x82, 0xed, 0xa0, 0x80, 0xc0]);
  const expected = await oracle.encode(bytes.toString('utf8'), false);
  assert.deepEqual(qwen3.encodeBytes(bytes, false), expected);
});

test('decoding gives the oracle’s text, cut sequences and unknown ids included', async () => {
  const ids = [...(await qwen3.encode('naïve 你好 <|im_end|>\n😀é', false))];
  for (const list of [ids, ids.slice(0, -1), ids.slice(3), [1e6, 0, 151_650], [], [151_657, 5]]) {
    assert.equal(await qwen3.decode(list), await oracle.decode(list));
  }
});

test('tokens are found by the way they are written', () => {
  for (const token of ['<|im_start|>', 'Ġthe', 'a', 'Ċ', 'no such token', '']) {
    assert.equal(qwen3.tokenId(token), oracle.tokenId(token), token);
  }
});

test('a long word of any kind takes bounded time', async () => {
  for (const piece of ['a', ' ', '日', '\n', '=', 'aA', '\u0301', '1', '😀']) {
    const text = piece.repeat(100_000);
    const start = performance.now();
    const ids = await qwen3.encode(text, false);
    // Linear time is some 30 ms here, quadratic time minutes.
    assert.ok(performance.now() - start < 5000, JSON.stringify(piece));
    assert.equal(await qwen3.decode([...ids]), text.normalize('NFC'));
  }
});

test('the next turn of a conversation looks up the turns before it', async () => {
  const turn = (i: number) =>
    `<|im_start|>user\n${`question ${i} about caches `.repeat(40)}<|im_end|>\n`;
  const turns = Array.from({ length: 20 }, (_, i) => turn(i));
  await qwen3.encode(turns.join(''), false);
  const before = qwen3.cacheStats().texts;
  const text = turns.join('') + turn(20);
  const ids = await qwen3.encode(text, false);
  const after = qwen3.cacheStats().texts;
  assert.ok(after.missedBytes - before.missedBytes <= turn(20).length);
  assert.ok(after.hitBytes - before.hitBytes > text.length * 0.9);
  assert.deepEqual(ids, await oracle.encode(text, false));
});

test('another thread finds the tables and the remembered texts', async () => {
  const text = 'The quick brown fox jumps over the lazy dog, and once more. '.repeat(10);
  const expected = [...(await qwen3.encode(text, false))];
  const { hits } = qwen3.cacheStats().texts;
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.module).then(async ({ NativeTokenizer }) => {
      const tokenizer = new NativeTokenizer(workerData.file);
      parentPort.postMessage([...await tokenizer.encode(workerData.text, false)]);
    });`;
  const module = new URL('../../src/tokenizer/native-tokenizer.js', import.meta.url).href;
  const worker = new Worker(source, { eval: true, workerData: { module, file: QWEN3_FILE, text } });
  const ids = await new Promise<unknown>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  assert.deepEqual(ids, expected);
  assert.ok(qwen3.cacheStats().texts.hits > hits);
});

test('a tokenizer of another kind is left to the Hugging Face package', () => {
  assert.equal(openNativeTokenizer(readTokenizerFolder(tinyTokenizerFolder({}))), null);
  const folder = tinyTokenizerFolder({});
  writeFileSync(join(folder, 'tokenizer.json'), '{"no":');
  assert.equal(openNativeTokenizer(readTokenizerFolder(folder)), null);
});

test('what the tables cannot reproduce is named', () => {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const cases: [unknown, RegExp][] = [
    [[], /tokenizer.json is not an object/],
    [minimalFile({}, { type: 'Unigram' }), /model.type is "Unigram"/],
    [minimalFile({}, { dropout: 0.1 }), /model.dropout is 0.1/],
    [minimalFile({}, { continuing_subword_prefix: '##' }), /continuing_subword_prefix is "##"/],
    [minimalFile({}, { end_of_word_suffix: '</w>' }), /end_of_word_suffix/],
    [minimalFile({}, { vocab: { a: -1 } }), /model.vocab\["a"\] is not a token id/],
    [minimalFile({}, { merges: [['a', 'b', 'c']] }), /model.merges\[0\]/],
    [minimalFile({}, { merges: ['a b', ['a', 'b']] }), /model.merges\[1\]/],
    [minimalFile({ normalizer: { type: 'NFKC' } }), /normalizer "NFKC"/],
    [minimalFile({ pre_tokenizer: null }), /pre_tokenizer is not an object/],
    [minimalFile({ pre_tokenizer: { type: 'Metaspace' } }), /step 1 is "Metaspace", not ByteLevel/],
    [minimalFile({ decoder: null }), /decoder null/],
    [minimalFile({ post_processor: { type: 'RobertaProcessing' } }), /"RobertaProcessing"/],
    [minimalFile({ added_tokens: [{ id: 5, content: 'x', ...flags }] }), /"x" has id 5, counted 0/],
    [minimalFile({ added_tokens: [{ id: 0, content: '', ...flags }] }), /content is ""/],
    [minimalFile({ added_tokens: [{ id: 0, content: 'x' }] }), /single_word is not a boolean/],
  ];
  for (const [file, reason] of cases) {
    assert.throws(
      () => readTokenizerJson(file, 0),
      (error) => error instanceof UnsupportedTokenizer && reason.test(error.message),
      String(reason),
    );
  }
});

test('an unknown pattern is named, whatever else the file holds', () => {
  const file = JSON.parse(readFileSync(QWEN3_FILE, 'utf8'));
  file.pre_tokenizer.pretokenizers[0].pattern.Regex += '|x';
  assert.throws(() => readTokenizerJson(file, 0), /step 1: pattern ".*\|x", behavior "Isolated"/);
});

test('tables refuse a vocabulary without all bytes, and merges of unknown tokens', () => {
  const folder = tinyTokenizerFolder({});
  const file = join(folder, 'tokenizer.json');
  writeFileSync(file, JSON.stringify(minimalFile({}, { vocab: { a: 0 } })));
  assert.throws(() => new NativeTokenizer(file), /no token for byte 0/);
  const real = JSON.parse(readFileSync(QWEN3_FILE, 'utf8'));
  const merges = [['a', 'no such token']];
  writeFileSync(file, JSON.stringify({ ...real, model: { ...real.model, merges } }));
  assert.throws(() => new NativeTokenizer(file), /merge 0 \(a no such token\)/);
});
