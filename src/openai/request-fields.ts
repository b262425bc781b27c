// Reads fields of a request the way pydantic's lax mode does, so that what vLLM accepts passes here.
import { RouterError } from '../errors.js';
import { isArray, isObject, type Json, JsonFloat, type JsonObject, jsonTypeName } from '../json.js';

/** A 400 that names the field, such as `messages[2].role: must be a string, not a number`. */
export function invalidField(path: string, problem: string): RouterError {
  return new RouterError('invalid_request', `${path}: ${problem}`, { param: path });
}

export function wrongType(path: string, expected: string, value: Json | undefined): RouterError {
  if (value === undefined) return invalidField(path, 'is required');
  return invalidField(path, `must be ${expected}, not ${jsonTypeName(value)}`);
}

/** Absent and null give null. */
export function optionalString(object: JsonObject, key: string, path = key): string | null {
  const value = object.get(key) ?? null;
  if (value === null || typeof value === 'string') return value;
  throw wrongType(path, 'a string', value);
}

export function optionalObject(object: JsonObject, key: string, path = key): JsonObject | null {
  const value = object.get(key) ?? null;
  if (value === null || isObject(value)) return value;
  throw wrongType(path, 'an object', value);
}

export function optionalArray(object: JsonObject, key: string, path = key): readonly Json[] | null {
  const value = object.get(key) ?? null;
  if (value === null || isArray(value)) return value;
  throw wrongType(path, 'an array', value);
}

export function objectAt(value: Json | undefined, path: string): JsonObject {
  if (isObject(value)) return value;
  throw wrongType(path, 'an object', value);
}

export function stringAt(value: Json | undefined, path: string): string {
  if (typeof value === 'string') return value;
  throw wrongType(path, 'a string', value);
}

export function optionalBoolean(object: JsonObject, key: string): boolean | null {
  const value = object.get(key) ?? null;
  if (value === null || typeof value === 'boolean') return value;
  const read = looseBoolean(value);
  if (read === null) throw wrongType(key, 'true or false', value);
  return read;
}

export function optionalInteger(
  object: JsonObject,
  key: string,
  range: { readonly min: number; readonly max: number },
): number | null {
  const value = object.get(key) ?? null;
  if (value === null) return null;
  const read = looseInteger(value);
  if (read === null) throw wrongType(key, 'an integer', value);
  if (read < range.min || read > range.max) {
    throw invalidField(key, `must be between ${range.min} and ${range.max}, not ${read}`);
  }
  return read;
}

const BOOLEAN_WORDS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 'true', 't', 'yes', 'y', 'on'].map((word) => [word, true] as const),
  ...['0', 'false', 'f', 'no', 'n', 'off'].map((word) => [word, false] as const),
]);

/** null: not a boolean in any of pydantic's spellings. */
export function looseBoolean(value: Json): boolean | null {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return BOOLEAN_WORDS.get(value.toLowerCase()) ?? null;
  const number = looseInteger(value);
  return number === 0 || number === 1 ? number === 1 : null;
}

/** null: not an integer, nor a float or digits that stand for one. */
export function looseInteger(value: Json): number | null {
  if (typeof value === 'number') return Number.isInteger(value) ? value : null;
  if (value instanceof JsonFloat) return Number.isSafeInteger(value.value) ? value.value : null;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' && /^\s*[-+]?\d{1,15}\s*$/.test(value)) return Number(value);
  return null;
}
