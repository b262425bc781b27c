// InferenceRequest: the value that flows through the stages of the read path. Types only.
import type { Json, JsonObject } from './json.js';

export type { Json, JsonObject } from './json.js';

/** Which request shape a body has: one for each generation API of vLLM's server. */
export type RequestShape =
  | 'chat'
  | 'completions'
  | 'chat-batch'
  | 'responses'
  | 'messages'
  | 'cohere-chat'
  | 'generate'
  | 'scoring'
  | 'invocation';

export type ContentPart =
  | {
      readonly kind: 'text';
      readonly text: string;
      /** Fields besides `type` and the text; null when there are none. */
      readonly extra: JsonObject | null;
    }
  | { readonly kind: 'tool-reference'; readonly name: string }
  /** Only the engine knows its tokens. `modality` is what templates call it: image, audio, video. */
  | { readonly kind: 'media'; readonly modality: string };

export interface ChatMessage {
  readonly role: string;
  /** null when the client sent null or nothing. */
  readonly content: string | null | readonly ContentPart[];
  /** The other fields a template may see, in vLLM's order; tool call arguments are parsed. */
  readonly fields: JsonObject;
}

interface CommonRequest {
  /** Empty when the client named none: vLLM then answers with its base model. */
  readonly model: string;
  readonly stream: boolean;
  /** Whether the tokenizer adds its special tokens: by default false for chat, true for completions. */
  readonly addSpecialTokens: boolean;
  /** Salt of the first block's hash; null when there is none. */
  readonly cacheSalt: string | null;
  /** Tokens the client lets the engine generate; null when it set no limit. */
  readonly maxTokens: number | null;
  /** Keep this many tokens of the prompt (-1: as many as fit); null: do not cut. */
  readonly truncatePromptTokens: number | null;
  readonly truncationSide: 'left' | 'right' | null;
  /** vLLM's field: lower is earlier, 0 when it was not given. */
  readonly priority: number;
  /** The engine will not read its prefix cache (prompt logprobs, or echo with logprobs). */
  readonly skipsCacheRead: boolean;
}

export interface ChatRequest extends CommonRequest {
  readonly kind: 'chat';
  readonly messages: readonly ChatMessage[];
  /** Tools in vLLM's normalized key order; null when there are none. */
  readonly tools: readonly JsonObject[] | null;
  readonly toolChoiceNone: boolean;
  readonly documents: readonly JsonObject[] | null;
  readonly addGenerationPrompt: boolean;
  readonly continueFinalMessage: boolean;
  readonly reasoningEffort: string | null;
  /** Template of the request itself, used only where the model's settings trust it. */
  readonly chatTemplate: string | null;
  readonly chatTemplateKwargs: JsonObject;
  /** The request carries images, audio or video. */
  readonly hasMedia: boolean;
  /** Tokens handed over by a prefill engine; they replace rendering. */
  readonly promptTokenIds: Uint32Array | null;
}

/** Conversations that share everything but their messages; each is an engine request of its own. */
export interface ChatBatchRequest extends CommonRequest {
  readonly kind: 'chat-batch';
  /** At least one. */
  readonly chats: readonly ChatRequest[];
}

export interface CompletionRequest extends CommonRequest {
  readonly kind: 'completion';
  /** One prompt per engine request: text, or token ids used verbatim. Empty when only the engine can
   * make the prompt: of embeddings, or from what it remembers of an earlier response. */
  readonly prompts: readonly (string | Uint32Array)[];
}

/** What an engine is asked so that it says which token ids it makes of a request. */
export interface PromptQuestion {
  /** Route that renders the whole request. */
  readonly path: '/v1/chat/completions/render' | '/v1/completions/render';
  /** JSON with the fields that decide the prompt and no others. */
  readonly body: Uint8Array;
  /** Why /tokenize would answer something else; null: it takes this body as well. */
  readonly notTokenizable: string | null;
  /** Equal for two questions only if path and body are. */
  readonly key: string;
}

export type InferenceRequest = ChatRequest | ChatBatchRequest | CompletionRequest;

/** What a template gets besides messages. */
export type TemplateVariables = ReadonlyMap<string, Json>;
