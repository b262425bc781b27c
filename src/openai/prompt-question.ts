// A request -> what to ask an engine about its prompt: the chat or completion it stands for, without the
// fields that leave the prompt as it is (VLLM.md 5), so that equal prompts are asked for once.
import { createHash } from 'node:crypto';
import { RouterError } from '../errors.js';
import type { PromptQuestion, RequestShape } from '../inference-request.js';
import type { JsonObject } from '../json.js';
import { writeJson } from '../json-writer.js';
import { chatOfCohere } from './cohere-request-parser.js';
import { isSet } from './common-fields.js';
import { UnknownForm } from './converted-chat.js';
import { invokedShape } from './invocation-request-parser.js';
import { chatOfMessages } from './messages-request-parser.js';
import { readObject } from './request-parser.js';
import { chatOfResponse } from './responses-request-parser.js';

/** Whatever else a body has is asked for as it is: at worst the same prompt is asked for twice. */
const NEUTRAL: ReadonlySet<string> = new Set([
  ...['stream', 'stream_options', 'n', 'best_of', 'use_beam_search', 'length_penalty'],
  ...['temperature', 'top_p', 'top_k', 'min_p', 'seed', 'logit_bias', 'bad_words'],
  ...['presence_penalty', 'frequency_penalty', 'repetition_penalty', 'allowed_token_ids'],
  ...['stop', 'stop_token_ids', 'include_stop_str_in_output', 'ignore_eos', 'min_tokens'],
  ...['logprobs', 'top_logprobs', 'prompt_logprobs', 'echo', 'skip_special_tokens'],
  ...['spaces_between_special_tokens', 'return_token_ids', 'return_tokens_as_token_ids'],
  ...['user', 'metadata', 'store', 'service_tier', 'priority', 'request_id', 'session_id'],
  ...['safety_identifier', 'prompt_cache_key', 'cache_salt'],
]);
/** These decide how much of a prompt is kept, where it is to be cut to what the model takes. */
const LENGTHS: ReadonlySet<string> = new Set(['max_tokens', 'max_completion_tokens']);
/** Fields that change the tokens and that /tokenize does not take (VLLM.md 6.2). */
const RENDER_ONLY = [
  ...['documents', 'reasoning_effort', 'tool_choice', 'truncate_prompt_tokens'],
  ...['kv_transfer_params', 'response_format'],
] as const;

/** null: no route of an engine renders such a request. Throws RouterError for a body that is none. */
export function promptQuestion(shape: RequestShape, bytes: Uint8Array): PromptQuestion | null {
  const body = readObject(bytes);
  const asked = shape === 'invocation' ? invokedShape(body) : shape;
  return asked === null ? null : questionOf(asked, body);
}

function questionOf(shape: RequestShape, body: JsonObject): PromptQuestion | null {
  const chat = shape === 'completions' ? null : chatBody(shape, body);
  if (shape !== 'completions' && chat === null) return null;
  const asked = decisive(chat ?? body);
  const path = chat === null ? '/v1/completions/render' : '/v1/chat/completions/render';
  const text = writeJson(asked);
  const key = createHash('sha256').update(`${path}\n${text}`).digest('base64');
  return { path, body: Buffer.from(text), notTokenizable: notTokenizable(asked), key };
}

function chatBody(shape: RequestShape, body: JsonObject): JsonObject | null {
  try {
    switch (shape) {
      case 'chat':
        return body;
      case 'messages':
        return named(chatOfMessages(body), body);
      case 'cohere-chat':
        return named(chatOfCohere(body), body);
      case 'responses':
        return named(chatOfResponse(body), body);
      default:
        return null;
    }
  } catch (error) {
    if (error instanceof UnknownForm || error instanceof RouterError) return null;
    throw error;
  }
}

function named(chat: JsonObject, body: JsonObject): JsonObject {
  const model = body.get('model');
  return model === undefined ? chat : new Map([['model', model], ...chat]);
}

function decisive(body: JsonObject): JsonObject {
  const keepsLengths = isSet(body, 'truncate_prompt_tokens');
  return new Map(
    [...body].filter(([name]) => !NEUTRAL.has(name) && (keepsLengths || !LENGTHS.has(name))),
  );
}

function notTokenizable(body: JsonObject): string | null {
  const unknown = RENDER_ONLY.find((name) => isSet(body, name));
  if (unknown !== undefined) return `/tokenize takes no ${unknown}`;
  const prompt = body.get('prompt');
  if (prompt !== undefined && typeof prompt !== 'string')
    return '/tokenize takes one prompt of text';
  return null;
}
