// PreparedRequest: a request's body turned into prompts of tokens, checked as vLLM checks them.
import { RouterError } from '../errors.js';
import type { ChatRequest, InferenceRequest } from '../inference-request.js';
import type { JsonObject } from '../json.js';
import { parseRequestObject } from '../openai/request-parser.js';
import { NO_KEYS, type PromptKeys } from '../prefix/extra-keys.js';
import type { HashSettings } from '../prefix/hash-settings.js';
import { promptTooLong } from '../tokenizer/request-limits.js';
import type { PreparedPrompt } from './generation.js';
import {
  type GenerationOptions,
  generationOptionsOf,
  type ServedShape,
} from './generation-options.js';
import { expandMedia, type MediaPrompt, mediaOf, withPlaceholders } from './media-prompt.js';
import type { PromptEncoder } from './prompt-encoder.js';
import type { ServedModels } from './served-models.js';
import { TokenSequence } from './token-sequence.js';

export interface PreparedRequest {
  readonly request: InferenceRequest;
  readonly options: GenerationOptions;
  readonly prompts: readonly (PreparedPrompt & Pick<MediaPrompt, 'media'>)[];
  readonly modelName: string;
}

export interface PreparingService {
  readonly models: ServedModels;
  readonly encoder: PromptEncoder;
  readonly hashSettings: HashSettings;
  /** Of each image, audio or video; null: the model takes text only. */
  readonly tokensPerMedium: number | null;
}

export async function prepareRequest(
  service: PreparingService,
  shape: ServedShape,
  body: JsonObject,
): Promise<PreparedRequest> {
  const { models, hashSettings } = service;
  const request = parseRequestObject(shape, body);
  const adapter = models.resolve(request.model);
  const options = generationOptionsOf(shape, body);
  if (shape === 'completions' && (body.get('suffix') ?? null) !== null) {
    throw new RouterError('invalid_request', 'suffix is not currently supported');
  }
  const keys: PromptKeys = {
    ...NO_KEYS,
    loraName: adapter?.name ?? null,
    loraIntId: adapter?.id ?? null,
    cacheSalt: request.cacheSalt,
  };
  const encoded = await encodePrompts(service, request, body);
  const prompts = encoded.map(({ tokens, media }) => {
    checkLength(tokens.length, options.maxTokens, models.maxModelLen);
    const newSequence = () => new TokenSequence(tokens, hashSettings, { ...keys, media });
    return { tokens, media, newSequence };
  });
  return { request, options, prompts, modelName: request.model || models.base };
}

/** Also for /tokenize, which differs in nothing else. */
export async function encodePrompts(
  service: Pick<PreparingService, 'models' | 'encoder' | 'tokensPerMedium'>,
  request: InferenceRequest,
  body: JsonObject,
): Promise<readonly MediaPrompt[]> {
  const { models, encoder } = service;
  if (request.kind === 'chat' && request.hasMedia) {
    return [await encodeMedia(service, request, body)];
  }
  if (isUnreadable(request)) throw textOnly();
  const encoded = await encoder.encodePrompts(request, models.maxModelLen);
  return encoded.map((tokens) => ({ tokens, media: [] }));
}

async function encodeMedia(
  { models, encoder, tokensPerMedium }: Parameters<typeof encodePrompts>[0],
  chat: ChatRequest,
  body: JsonObject,
): Promise<MediaPrompt> {
  const placeholder = encoder.mediaPlaceholder;
  if (placeholder === null || tokensPerMedium === null) throw textOnly();
  const text = { ...withPlaceholders(chat, placeholder), hasMedia: false };
  const [tokens = new Uint32Array(0)] = await encoder.encodePrompts(text, models.maxModelLen);
  const prompt = expandMedia(tokens, placeholder, mediaOf(body), tokensPerMedium);
  if (prompt !== null) return prompt;
  const problem = `the prompt does not hold ${placeholder.text} once for each medium`;
  throw new RouterError('invalid_request', problem);
}

function textOnly(): RouterError {
  return new RouterError('invalid_request', 'this model takes text only, no media or embeddings');
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
  throw promptTooLong(promptTokens, maxTokens ?? 0, maxModelLen);
}
