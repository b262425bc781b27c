// A tokenizer folder of a dozen words, for what Qwen3's cannot show: BOS tokens, named templates.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.js';

const WORDS = ['<s>', '</s>', '<unk>', 'a', 'b', 'c', 'd', 'e', '[', ']', 'S:', 'U:', 'A:'];

export interface TinyOptions {
  /** Further keys of tokenizer_config.json. */
  readonly config?: Record<string, unknown>;
  /** Whether tokenizer.json's post-processor adds `<s>` in front. */
  readonly addsBos?: boolean;
  readonly files?: Readonly<Record<string, string>>;
}

export function tinyTokenizerFolder({
  config = {},
  addsBos = false,
  files = {},
}: TinyOptions): string {
  const folder = temporaryFolder();
  const bos = { SpecialToken: { id: '<s>', type_id: 0 } };
  const text = { Sequence: { id: 'A', type_id: 0 } };
  const tokenizer = {
    version: '1.0',
    truncation: { direction: 'Right', max_length: 2, strategy: 'LongestFirst', stride: 0 },
    padding: null,
    added_tokens: [0, 1].map((id) => ({
      id,
      content: WORDS[id],
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: addsBos
      ? {
          type: 'TemplateProcessing',
          single: [bos, text],
          pair: [bos, text, text],
          special_tokens: { '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] } },
        }
      : null,
    decoder: null,
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
      unk_token: '<unk>',
    },
  };
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  const configured = { bos_token: '<s>', eos_token: { content: '</s>' }, ...config };
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(configured));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}
