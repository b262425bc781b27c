// What an engine answers when asked for a prompt: token ids, and where which media lie among them.
import { isArray, isObject, type Json, type JsonArray, type JsonObject } from '../json.js';
import { parseJsonBytes } from '../json-bytes.js';
import type { MediaItem } from '../prefix/extra-keys.js';

/** One prompt as the engine will compute it. */
export interface EnginePrompt {
  readonly tokens: Uint32Array;
  /** In order of offset. */
  readonly media: readonly MediaItem[];
}

/** `render`: of the render routes; `tokenize`: of /tokenize, which knows nothing of media. */
export type AnswerForm = 'render' | 'tokenize';

/** The answer is none. */
export class EngineAnswerError extends Error {}

const MAX_TOKEN_ID = 0xffff_ffff;

/** One prompt for each that the request has. Throws EngineAnswerError. */
export function readEngineAnswer(form: AnswerForm, bytes: Uint8Array): EnginePrompt[] {
  const value = parsed(bytes);
  const answers = isArray(value) ? value : [value];
  if (answers.length === 0) throw new EngineAnswerError('the answer has no prompt');
  return answers.map((answer) => {
    if (!isObject(answer)) throw new EngineAnswerError('the answer is no object');
    const field = form === 'render' ? 'token_ids' : 'tokens';
    const tokens = tokenIds(answer.get(field), field);
    return { tokens, media: mediaOf(answer.get('features') ?? null, tokens.length) };
  });
}

function parsed(bytes: Uint8Array): Json {
  try {
    return parseJsonBytes(bytes);
  } catch (cause) {
    throw new EngineAnswerError('the answer is not JSON', { cause });
  }
}

function tokenIds(value: Json | undefined, field: string): Uint32Array {
  if (!isArray(value) || value.length === 0) {
    throw new EngineAnswerError(`the answer has no ${field}`);
  }
  const ids = new Uint32Array(value.length);
  for (let i = 0; i < value.length; i++) {
    const id = value[i];
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > MAX_TOKEN_ID) {
      throw new EngineAnswerError(`${field}[${i}] is no token id`);
    }
    ids[i] = id;
  }
  return ids;
}

/** `features`: `{mm_hashes: {image: [id, …]}, mm_placeholders: {image: [{offset, length}, …]}}`; null
 * for text alone. The media themselves, which may come along, are not looked at. */
function mediaOf(features: Json, tokenCount: number): MediaItem[] {
  if (features === null) return [];
  if (!isObject(features)) throw new EngineAnswerError('features is no object');
  const identifiers = objectAt(features, 'mm_hashes');
  const places = objectAt(features, 'mm_placeholders');
  const media = [...places].flatMap(([modality, ranges]) => {
    const ids = listAt(identifiers, modality);
    if (!isArray(ranges) || ranges.length !== ids.length) {
      throw new EngineAnswerError(`not every ${modality} has an identifier and a place`);
    }
    return ranges.map((range, i) => mediaItem(ids[i], range, tokenCount));
  });
  return media.sort((a, b) => a.offset - b.offset);
}

function mediaItem(identifier: Json | undefined, range: Json, tokenCount: number): MediaItem {
  const [offset, length] = isObject(range) ? [range.get('offset'), range.get('length')] : [];
  const isPlace =
    typeof offset === 'number' &&
    typeof length === 'number' &&
    offset >= 0 &&
    length > 0 &&
    offset + length <= tokenCount;
  if (typeof identifier !== 'string' || !isPlace) {
    throw new EngineAnswerError('features has an item without identifier or place');
  }
  return { identifier, offset, length };
}

function objectAt(object: JsonObject, field: string): JsonObject {
  const value = object.get(field);
  if (isObject(value)) return value;
  throw new EngineAnswerError(`features has no ${field}`);
}

function listAt(object: JsonObject, field: string): JsonArray {
  const value = object.get(field);
  if (isArray(value)) return value;
  throw new EngineAnswerError(`features has no identifiers of ${field}`);
}
