// PreparedRequest: a request's body turned into prompts of tokens, checked as vLLM checks them.
import { RouterError } from '../errors.js';
import type { InferenceRequest, RequestShape } from '../inference-request.js';
import type { JsonObject } from '../json.js';
import { parseRequestObject } from '../openai/request-parser.js';
import { NO_KEYS, type PromptKeys } from '../prefix/extra-keys.js';
import type { HashSettings } from '../prefix/hash-settings.js';
import type { PreparedPrompt } from './generation.js';
import { type GenerationOptions, parseGenerationOptions } from './generation-options.js';
import type { PromptEncoder } from './prompt-encoder.js';
import type { ServedModels } from './served-models.js';
import { TokenSequence } from './token-sequence.js';

export interface PreparedRequest {
  readonly request: InferenceRequest;
  readonly options: GenerationOptions;
  readonly prompts: readonly PreparedPrompt[];
  readonly modelName: string;
}

export interface PreparingService {
  readonly models: ServedModels;
  readonly encoder: PromptEncoder;
  readonly hashSettings: HashSettings;
}

/** vLLM's default of `max_tokens` in completions; chats have none. */
const COMPLETION_TOKENS = 16;

export async function prepareRequest(
  service: PreparingService,
  shape: RequestShape,
  body: JsonObject,
): Promise<PreparedRequest> {
  const { models, encoder, hashSettings } = service;
  const request = parseRequestObject(shape, body);
  const adapter = models.resolve(request.model);
  const options =
    shape === 'chat'
      ? parseGenerationOptions(body, ['max_completion_tokens', 'max_tokens'], null)
      : parseGenerationOptions(body, ['max_tokens'], COMPLETION_TOKENS);
  if (isUnreadable(request)) {
    throw new RouterError('invalid_request', 'this model takes text only, no media or embeddings');
  }
  const keys: PromptKeys = {
    ...NO_KEYS,
    loraName: adapter?.name ?? null,
    loraIntId: adapter?.id ?? null,
    cacheSalt: request.cacheSalt,
  };
  const { maxModelLen } = models;
  const encoded = await encoder.encodePrompts(request, maxModelLen);
  const prompts = encoded.map((tokens) => {
    checkLength(tokens.length, options.maxTokens, maxModelLen);
    return { tokens, newSequence: () => new TokenSequence(tokens, hashSettings, keys) };
  });
  return { request, options, prompts, modelName: request.model || models.base };
}

function isUnreadable(request: InferenceRequest): boolean {
  switch (request.kind) {
    case 'chat':
      return request.hasMedia;
    case 'chat-batch':
      return request.chats.some(({ hasMedia }) => hasMedia);
    case 'completion':
      return request.prompts.length === 0;
  }
}

function checkLength(promptTokens: number, maxTokens: number | null, maxModelLen: number): void {
  if (promptTokens === 0) throw new RouterError('invalid_request', 'the prompt has no tokens');
  if (promptTokens + (maxTokens ?? 1) <= maxModelLen) return;
  const wanted = maxTokens === null ? '' : ` and max_tokens asks for ${maxTokens} more`;
  throw new RouterError(
    'prompt_too_long',
    `This model's context holds ${maxModelLen} tokens; the prompt has ${promptTokens}${wanted}.`,
    { param: maxTokens === null ? 'input_tokens' : 'max_tokens' },
  );
}
