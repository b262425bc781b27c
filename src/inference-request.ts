// InferenceRequest: the value that flows through the stages of the read path. Types only.

/** JSON as it came from the client, kept as it is for the chat template. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** One message as the chat template sees it: VLLM's field list, content still in the client's
 * form (a string, null, or a list of parts). */
export interface ChatMessage {
  readonly role: string;
  readonly content: Json;
  readonly fields: { readonly [key: string]: Json };
}

interface CommonRequest {
  readonly model: string;
  readonly stream: boolean;
  /** Whether the tokenizer adds its special tokens: false for chat, true for completions. */
  readonly addSpecialTokens: boolean;
  /** Salt of the first block's hash; null when there is none. */
  readonly cacheSalt: string | null;
  /** Tokens the client lets the engine generate; null when unset. */
  readonly maxTokens: number | null;
  /** Keep this many tokens of the prompt (-1: as many as fit); null: do not cut. */
  readonly truncatePromptTokens: number | null;
  readonly truncationSide: 'left' | 'right' | null;
  /** The engine will not read its prefix cache (prompt logprobs, or echo with logprobs). */
  readonly skipsCacheRead: boolean;
}

export interface ChatRequest extends CommonRequest {
  readonly kind: 'chat';
  readonly messages: readonly ChatMessage[];
  /** Tools in vLLM's normalized key order; null when there are none. */
  readonly tools: readonly Json[] | null;
  readonly documents: readonly Json[] | null;
  readonly addGenerationPrompt: boolean;
  readonly continueFinalMessage: boolean;
  readonly reasoningEffort: string | null;
  /** Template of the request itself, used only where the model's settings trust it. */
  readonly chatTemplate: string | null;
  readonly chatTemplateKwargs: { readonly [key: string]: Json };
  /** The request carries images, audio or video, whose tokens only the engine knows. */
  readonly hasMedia: boolean;
}

export interface CompletionRequest extends CommonRequest {
  readonly kind: 'completion';
  /** One prompt per engine request: text, or token ids used verbatim. */
  readonly prompts: readonly (string | readonly number[])[];
}

export type InferenceRequest = ChatRequest | CompletionRequest;
