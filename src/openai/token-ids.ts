// A JSON array of token ids -> Uint32Array.
import type { Json, JsonArray } from '../json.js';
import { invalidField, looseInteger, wrongType } from './request-fields.js';

export const MAX_TOKEN_ID = 0xffff_ffff;

export function parseTokenIds(ids: JsonArray, path: string): Uint32Array {
  const tokens = new Uint32Array(ids.length);
  for (let i = 0; i < ids.length; i++) {
    tokens[i] = parseTokenId(ids[i], `${path}[${i}]`);
  }
  return tokens;
}

function parseTokenId(id: Json | undefined, path: string): number {
  // A string of digits is a number to pydantic, but not inside a list that may also hold texts.
  const token = id === undefined || typeof id === 'string' ? null : looseInteger(id);
  if (token === null) throw wrongType(path, 'an integer', id);
  if (token < 0 || token > MAX_TOKEN_ID) {
    throw invalidField(path, `must be a token id between 0 and ${MAX_TOKEN_ID}, not ${token}`);
  }
  return token;
}
