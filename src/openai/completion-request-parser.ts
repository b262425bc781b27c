// Body of /v1/completions -> CompletionRequest.
import type { CompletionRequest } from '../inference-request.js';
import { isArray, type Json, type JsonArray, type JsonObject } from '../json.js';
import { isSet, parseCommonFields, tokenLimit } from './common-fields.js';
import { invalidField, looseBoolean, optionalBoolean, wrongType } from './request-fields.js';
import { parseTokenIds } from './token-ids.js';

/** vLLM's default of `max_tokens` on this route. */
const DEFAULT_MAX_TOKENS = 16;
const EXPECTED = 'a string, an array of strings, an array of token ids or an array of such arrays';

export function parseCompletionRequest(body: JsonObject): CompletionRequest {
  const isEcho = looseBoolean(body.get('echo') ?? false) ?? false;
  return {
    kind: 'completion',
    ...parseCommonFields(body),
    prompts: parsePrompts(body),
    addSpecialTokens: optionalBoolean(body, 'add_special_tokens') ?? true,
    maxTokens: body.has('max_tokens') ? tokenLimit(body, 'max_tokens') : DEFAULT_MAX_TOKENS,
    skipsCacheRead: isSet(body, 'prompt_logprobs') || (isEcho && isSet(body, 'logprobs')),
  };
}

function parsePrompts(body: JsonObject): (string | Uint32Array)[] {
  const prompt = body.get('prompt') ?? null;
  if (isSet(body, 'prompt_embeds')) return [];
  if (prompt === null) throw invalidField('prompt', 'is required');
  if (typeof prompt === 'string') return [prompt];
  if (!isArray(prompt)) throw wrongType('prompt', EXPECTED, prompt);
  const first = prompt[0];
  if (first === undefined) throw invalidField('prompt', 'must hold at least one prompt');
  if (typeof first === 'string') return prompt.map(textPrompt);
  if (isArray(first)) return prompt.map(tokenPrompt);
  return [parseTokenIds(prompt, 'prompt')];
}

function textPrompt(prompt: Json, position: number): string {
  if (typeof prompt === 'string') return prompt;
  throw wrongType(`prompt[${position}]`, 'a string like the first prompt', prompt);
}

function tokenPrompt(prompt: Json, position: number): Uint32Array {
  const path = `prompt[${position}]`;
  if (!isArray(prompt))
    throw wrongType(path, 'an array of token ids like the first prompt', prompt);
  return parseTokenIds(requireTokens(prompt, path), path);
}

function requireTokens(prompt: JsonArray, path: string): JsonArray {
  if (prompt.length === 0) throw invalidField(path, 'must hold at least one token id');
  return prompt;
}
