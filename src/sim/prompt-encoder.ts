// PromptEncoder: what the simulated engine needs of a model: its tokenizer and its chat template.
import type { ChatRequest, InferenceRequest } from '../inference-request.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';

export interface PromptEncoder extends Tokenizer {
  /** The prompt's text, as the model's chat template makes it. Rejects with RouterError. */
  renderChat(request: ChatRequest): Promise<string>;
  /** Ends an answer; null: the model has none we know. */
  readonly eosTokenId: number | null;
}

/** One prompt for each engine request that vLLM would make of the request. */
export async function encodePrompts(
  encoder: PromptEncoder,
  request: InferenceRequest,
): Promise<Uint32Array[]> {
  if (request.kind === 'chat') {
    if (request.promptTokenIds !== null) return [request.promptTokenIds];
    const text = await encoder.renderChat(request);
    return [await encoder.encode(text, request.addSpecialTokens)];
  }
  return Promise.all(
    request.prompts.map((prompt) =>
      typeof prompt === 'string' ? encoder.encode(prompt, request.addSpecialTokens) : prompt,
    ),
  );
}
