// Which implementation tokenizes a folder's model.
import { HfTokenizer } from './hf-tokenizer.js';
import { openNativeTokenizer } from './native-tokenizer.js';
import type { Tokenizer } from './tokenizer.js';
import type { TokenizerFolder } from './tokenizer-folder.js';

/** null: this implementation does not know the tokenizer's kind. */
export type TokenizerFactory = (folder: TokenizerFolder) => Tokenizer | null;

/** Fastest first; the last one takes everything. */
const FACTORIES: readonly TokenizerFactory[] = [openNativeTokenizer];

export function loadTokenizer(folder: TokenizerFolder): Tokenizer {
  for (const factory of FACTORIES) {
    const tokenizer = factory(folder);
    if (tokenizer !== null) return tokenizer;
  }
  return new HfTokenizer(folder.tokenizerFile);
}
