// Tokens that a tokenizer puts around a text, known apart from the text so that a prompt can be cut
// before they are added, as Hugging Face does it.
import type { Tokenizer } from './tokenizer.js';
import type { TokenizerFolder } from './tokenizer-folder.js';

export interface SpecialTokens {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export async function findSpecialTokens(
  tokenizer: Tokenizer,
  folder: TokenizerFolder,
): Promise<SpecialTokens> {
  const { addedTokens } = folder;
  if (addedTokens === null) return observed(tokenizer);
  const [before, after] = [addedTokens.bos, addedTokens.eos].map((token) => {
    const id = token === null ? null : tokenizer.tokenId(token);
    return id === null ? [] : [id];
  });
  return { before: before ?? [], after: after ?? [] };
}

/** What the post-processor of tokenizer.json adds to a text. */
async function observed(tokenizer: Tokenizer): Promise<SpecialTokens> {
  const text = 'a';
  const plain = await tokenizer.encode(text, false);
  const full = await tokenizer.encode(text, true);
  const start = full.findIndex((_, i) => plain.every((token, k) => full[i + k] === token));
  if (start < 0) return { before: [], after: [] };
  return {
    before: [...full.subarray(0, start)],
    after: [...full.subarray(start + plain.length)],
  };
}
