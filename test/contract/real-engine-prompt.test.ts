// The whole path against an engine that ran: its prompt text gives its token ids, and they give its
// block hashes. The recording is not ours to ship, so it is read from beside the project.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { parseRequest } from '../../src/openai/request-parser.js';
import { hashPrompt } from '../../src/prefix/block-hasher.js';
import { rootFromSeed } from '../../src/prefix/hash-root.js';
import type { HashSettings } from '../../src/prefix/hash-settings.js';
import { chatSettings } from '../../src/tokenizer/chat-settings.js';
import { ModelTokenizer } from '../../src/tokenizer/model-tokenizer.js';
import { bytesOf, QWEN3_FOLDER } from '../support/qwen3.js';

const NAME = 'real_engine_qwen3_0.6b_block16.json';
const folders = [
  process.env['WARMPATH_SHARED_VECTORS'],
  '../shared/vectors',
  '../../shared/vectors',
];
const file = folders
  .filter((folder) => folder !== undefined)
  .map((folder) => resolve(process.cwd(), folder, NAME))
  .find((path) => existsSync(path));
const skip = file === undefined ? 'real-engine vector not present' : false;

test("an engine's prompt gives its tokens and its block hashes", { skip }, async () => {
  const text = readFileSync(file ?? '', 'utf8');
  const { prompt, token_ids, block_size, hash_seed } = JSON.parse(text);
  // JSON.parse would round these, so they are taken from the text.
  const list = /"block_hashes"\s*:\s*\[([^\]]*)\]/.exec(text)?.[1] ?? '';
  const expected = BigUint64Array.from(list.split(','), (digits) => BigInt(digits.trim()));
  assert.equal(expected.length, 25);

  const tokenizer = await ModelTokenizer.load(QWEN3_FOLDER);
  const request = parseRequest('completions', bytesOf({ model: 'm', prompt }));
  const { tokens } = await tokenizer.encodePrompts(request, chatSettings(), null);
  const [ids] = tokens;
  assert.ok(ids !== undefined && ids.length >= token_ids.length);
  assert.deepEqual([...ids.subarray(0, token_ids.length)], token_ids);

  const settings: HashSettings = {
    algorithm: 'sha256_cbor',
    ...rootFromSeed('sha256_cbor', hash_seed),
    blockSizeTokens: block_size,
    profile: 'main-2026-08-17',
  };
  const hashes = hashPrompt(ids, settings);
  assert.deepEqual(hashes.subarray(0, expected.length), expected);
});
