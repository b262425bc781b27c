// Tokenizer of one model: text to token ids, equal to Hugging Face's for the same tokenizer.json.

export interface Tokenizer {
  /** Which implementation this is, for people. */
  readonly name: string;
  /** With `addSpecialTokens` the post-processor adds what the model wants (BOS and so on). */
  encode(text: string, addSpecialTokens: boolean): Promise<Uint32Array>;
  decode(ids: readonly number[]): Promise<string>;
  /** Id of a token of the vocabulary; null when there is none of this text. */
  tokenId(token: string): number | null;
}
