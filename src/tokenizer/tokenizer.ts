// Tokenizer of one model: text to token ids, equal to Hugging Face's for the same tokenizer.json.
import type { PromptHashInput, TokenizerCacheStats } from '../native.js';

/** What became of a text that was hashed. */
export interface HashedText {
  readonly tokenCount: number;
  readonly hashes: BigUint64Array;
}

export interface Tokenizer {
  /** Which implementation this is, for people. */
  readonly name: string;
  /** Equal for tokenizers of the same file contents, which share their caches. */
  readonly file: string;
  /** With `addSpecialTokens` the post-processor adds what the model wants (BOS and so on). */
  encode(text: string, addSpecialTokens: boolean): Promise<Uint32Array>;
  decode(ids: readonly number[]): Promise<string>;
  /** Id of a token of the vocabulary; null when there is none of this text. */
  tokenId(token: string): number | null;
  /** What was found among texts and prompts seen before, by any thread. Absent without caches. */
  cacheStats?(): TokenizerCacheStats;
  /** Block hashes of the texts joined together, without special tokens around them; null, and next
   * to nothing done, when more than `newBytesMax` bytes follow what they share with earlier prompts.
   * Absent where tokens are computed elsewhere. Throws RangeError as `native.hashBlocks` does. */
  hashPrompt?(
    texts: readonly string[],
    input: PromptHashInput,
    newBytesMax: number,
  ): HashedText | null;
}
