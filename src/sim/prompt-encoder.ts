// PromptEncoder: what the simulated engine needs of a model: its chat template and its tokenizer.
import type { InferenceRequest } from '../inference-request.js';
import type { MediaPlaceholder } from './media-prompt.js';

export interface PromptEncoder {
  /** One prompt for each engine request that vLLM would make of the request, cut to
   * `truncate_prompt_tokens`. Rejects with RouterError when the template refuses it. */
  encodePrompts(request: InferenceRequest, maxModelLen: number): Promise<readonly Uint32Array[]>;
  /** Plain text, without special tokens. */
  encode(text: string): Promise<Uint32Array>;
  decode(ids: readonly number[]): Promise<string>;
  /** Stands for a medium in a prompt; null: the model takes text only. */
  readonly mediaPlaceholder: MediaPlaceholder | null;
  /** Ends an answer; null: the model has none that we know. */
  readonly eosTokenId: number | null;
}
