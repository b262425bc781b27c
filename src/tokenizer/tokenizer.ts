// Tokenizer of one model: text to token ids, equal to Hugging Face's for the same tokenizer.json.

export interface Tokenizer {
  /** With `addSpecialTokens` the post-processor adds what the model wants (BOS and so on). */
  encode(text: string, addSpecialTokens: boolean): Promise<Uint32Array>;
  decode(ids: readonly number[]): Promise<string>;
}
