import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError } from '../../src/errors.js';
import { HfTokenizer } from '../../src/tokenizer/hf-tokenizer.js';
import { readTokenizerFolder } from '../../src/tokenizer/tokenizer-folder.js';
import { QWEN3_FOLDER } from '../support/qwen3.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';

function fails(path: string, message: RegExp): void {
  assert.throws(
    () => readTokenizerFolder(path),
    (error) => error instanceof ConfigError && message.test(error.message),
    path,
  );
}

test('what is missing is named with its cure', () => {
  const folder = temporaryFolder();
  fails(join(folder, 'none'), /no folder .*none: download tokenizer\.json/);
  fails(folder, /has no tokenizer\.json: download/);
  writeFileSync(join(folder, 'tokenizer.json'), '{}');
  fails(folder, /has no tokenizer_config\.json: download/);
  writeFileSync(join(folder, 'tokenizer_config.json'), '{"a":');
  fails(folder, /tokenizer_config\.json is not valid JSON: unexpected end/);
  writeFileSync(join(folder, 'tokenizer_config.json'), '[]');
  fails(folder, /tokenizer_config\.json is not a JSON object/);
  const file = join(folder, 'tokenizer.json');
  assert.throws(() => new HfTokenizer(file), /cannot load .*tokenizer\.json/);
});

test('special tokens are texts, whatever form the file has', () => {
  const { specialTokens } = readTokenizerFolder(
    tinyTokenizerFolder({
      config: {
        pad_token: null,
        cls_token: '',
        additional_special_tokens: ['a', { content: 'b' }],
        mask_token: { __type: 'AddedToken', content: '[M]' },
      },
      files: { 'special_tokens_map.json': '{"unk_token":"<u>","bos_token":"<other>"}' },
    }),
  );
  assert.deepEqual(Object.fromEntries(specialTokens), {
    bos_token: '<s>',
    eos_token: '</s>',
    unk_token: '<u>',
    mask_token: '[M]',
    additional_special_tokens: ['a', 'b'],
  });
});

test('classes that add tokens themselves are known', () => {
  const read = (config: Record<string, unknown>) =>
    readTokenizerFolder(tinyTokenizerFolder({ config })).addedTokens;
  assert.equal(read({ tokenizer_class: 'PreTrainedTokenizerFast', add_bos_token: true }), null);
  assert.deepEqual(read({ tokenizer_class: 'LlamaTokenizerFast' }), { bos: '<s>', eos: null });
  assert.deepEqual(
    read({ tokenizer_class: 'LlamaTokenizer', add_bos_token: false, add_eos_token: true }),
    {
      bos: null,
      eos: '</s>',
    },
  );
});

test('additional templates are read from their folder', () => {
  const folder = tinyTokenizerFolder({ config: { chat_template: 'x' } });
  mkdirSync(join(folder, 'additional_chat_templates'));
  writeFileSync(join(folder, 'additional_chat_templates', 'rag.jinja'), 'r');
  writeFileSync(join(folder, 'additional_chat_templates', 'notes.txt'), 'n');
  const { chatTemplates } = readTokenizerFolder(folder);
  assert.deepEqual(Object.fromEntries(chatTemplates), { default: 'x', rag: 'r' });
});

test("Qwen3's folder has a template and no BOS", () => {
  const folder = readTokenizerFolder(QWEN3_FOLDER);
  assert.equal(folder.specialTokens.get('bos_token'), undefined);
  assert.equal(folder.specialTokens.get('eos_token'), '<|im_end|>');
  assert.equal(folder.addedTokens, null);
});
