// GenerationOptions: the fields of a request that shape its answer, not its prompt.
import { isArray, type Json, type JsonObject } from '../json.js';
import {
  invalidField,
  looseBoolean,
  optionalArray,
  optionalInteger,
  optionalObject,
  wrongType,
} from '../openai/request-fields.js';

export interface GenerationOptions {
  /** Answers for each prompt. */
  readonly n: number;
  /** null: as many tokens as fit. */
  readonly maxTokens: number | null;
  readonly minTokens: number;
  readonly ignoreEos: boolean;
  readonly stop: readonly string[];
  readonly stopTokenIds: ReadonlySet<number>;
  readonly includeStop: boolean;
  /** Completions repeat the prompt before the answer. */
  readonly echo: boolean;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly continuousUsage: boolean;
  readonly returnTokenIds: boolean;
  /** Makes another answer of the same prompt; 0 when not given. */
  readonly seed: number;
}

/** More answers than any client asks for; vLLM's own bound is 16,384. */
const MAX_CHOICES = 128;
const MAX_STOPS = 64;
const COUNT = { min: 1, max: Number.MAX_SAFE_INTEGER } as const;

/** Generation routes that the simulated engine serves. */
export type ServedShape = 'chat' | 'completions' | 'messages' | 'responses' | 'generate';

/** vLLM's default of `max_tokens` in completions; chats have none. */
const COMPLETION_TOKENS = 16;

export function generationOptionsOf(shape: ServedShape, body: JsonObject): GenerationOptions {
  switch (shape) {
    case 'chat':
      return parseGenerationOptions(body, ['max_completion_tokens', 'max_tokens'], null);
    case 'completions':
      return parseGenerationOptions(body, ['max_tokens'], COMPLETION_TOKENS);
    case 'messages': {
      const renamed = new Map(body).set('stop', body.get('stop_sequences') ?? null);
      return single(parseGenerationOptions(renamed, ['max_tokens'], null));
    }
    case 'responses':
      return single(parseGenerationOptions(body, ['max_output_tokens'], null));
    case 'generate': {
      const params = optionalObject(body, 'sampling_params') ?? new Map<string, Json>();
      const given = new Map(params).set('stream', body.get('stream') ?? null);
      return parseGenerationOptions(given, ['max_tokens'], COMPLETION_TOKENS);
    }
  }
}

/** These APIs give one answer and know nothing of echo. */
function single(options: GenerationOptions): GenerationOptions {
  return { ...options, n: 1, echo: false };
}

/** `maxTokensFields` in order of precedence, and what applies without any. */
export function parseGenerationOptions(
  body: JsonObject,
  maxTokensFields: readonly string[],
  defaultMaxTokens: number | null,
): GenerationOptions {
  const stream = flag(body, 'stream');
  const usage = optionalObject(body, 'stream_options');
  if (usage !== null && !stream) {
    throw invalidField('stream_options', 'is only allowed together with "stream": true');
  }
  const given = maxTokensFields
    .map((field) => optionalInteger(body, field, COUNT))
    .find((limit) => limit !== null);
  return {
    n: optionalInteger(body, 'n', { min: 1, max: MAX_CHOICES }) ?? 1,
    maxTokens: given ?? defaultMaxTokens,
    minTokens: optionalInteger(body, 'min_tokens', { ...COUNT, min: 0 }) ?? 0,
    ignoreEos: flag(body, 'ignore_eos'),
    stop: parseStops(body.get('stop') ?? null),
    stopTokenIds: new Set(parseStopTokens(body)),
    includeStop: flag(body, 'include_stop_str_in_output'),
    echo: flag(body, 'echo'),
    stream,
    includeUsage: usage !== null && flag(usage, 'include_usage'),
    continuousUsage:
      usage !== null && flag(usage, 'include_usage') && flag(usage, 'continuous_usage_stats'),
    returnTokenIds: flag(body, 'return_token_ids'),
    seed: optionalInteger(body, 'seed', { min: Number.MIN_SAFE_INTEGER, max: COUNT.max }) ?? 0,
  };
}

function flag(object: JsonObject, key: string): boolean {
  const value = object.get(key) ?? null;
  if (value === null) return false;
  const read = looseBoolean(value);
  if (read === null) throw wrongType(key, 'true or false', value);
  return read;
}

function parseStops(stop: Json): string[] {
  if (stop === null) return [];
  const list = isArray(stop) ? stop : [stop];
  if (list.length > MAX_STOPS) throw invalidField('stop', `more than ${MAX_STOPS} strings`);
  return list.map((text, i) => {
    if (typeof text !== 'string') throw wrongType(`stop[${i}]`, 'a string', text);
    if (text === '') throw invalidField(`stop[${i}]`, 'must not be empty');
    return text;
  });
}

function parseStopTokens(body: JsonObject): number[] {
  const list = optionalArray(body, 'stop_token_ids') ?? [];
  if (list.length > MAX_STOPS) throw invalidField('stop_token_ids', `more than ${MAX_STOPS} ids`);
  return list.map((id, i) => {
    if (typeof id !== 'number') throw wrongType(`stop_token_ids[${i}]`, 'an integer', id);
    return id;
  });
}
