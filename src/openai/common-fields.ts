// The fields that chat and completion requests share.
import type { ChatRequest } from '../inference-request.js';
import type { JsonObject } from '../json.js';
import {
  invalidField,
  looseBoolean,
  looseInteger,
  optionalInteger,
  optionalString,
} from './request-fields.js';

type CommonFields = Pick<
  ChatRequest,
  'model' | 'stream' | 'cacheSalt' | 'priority' | 'truncatePromptTokens' | 'truncationSide'
>;

export function parseCommonFields(body: JsonObject): CommonFields {
  return {
    model: optionalString(body, 'model') ?? '',
    stream: looseBoolean(body.get('stream') ?? false) ?? false,
    cacheSalt: parseCacheSalt(body),
    // The engine refuses a wrong one.
    priority: looseInteger(body.get('priority') ?? null) ?? 0,
    truncatePromptTokens: optionalInteger(body, 'truncate_prompt_tokens', {
      min: -1,
      max: Number.MAX_SAFE_INTEGER,
    }),
    truncationSide: parseTruncationSide(body),
  };
}

/** A limit of generated tokens only bounds the prompt's length; the engine refuses a wrong one. */
export function tokenLimit(body: JsonObject, key: string): number | null {
  const limit = looseInteger(body.get(key) ?? null);
  return limit !== null && limit >= 0 ? limit : null;
}

/** Whether a logprobs field asks for anything: false and null do not. */
export function isSet(body: JsonObject, key: string): boolean {
  return (body.get(key) ?? null) !== null;
}

function parseCacheSalt(body: JsonObject): string | null {
  const salt = optionalString(body, 'cache_salt');
  if (salt === '') throw invalidField('cache_salt', 'must be a non-empty string if given');
  return salt;
}

function parseTruncationSide(body: JsonObject): 'left' | 'right' | null {
  const side = optionalString(body, 'truncation_side');
  if (side === null || side === 'left' || side === 'right') return side;
  throw invalidField('truncation_side', `must be "left" or "right", not ${JSON.stringify(side)}`);
}
