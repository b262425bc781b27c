// One tool call of an assistant message, as the template sees it: pydantic's key order (id, function
// {arguments, name}, type), unknown keys gone, and the arguments' JSON text parsed.
import { isObject, type Json, type JsonObject, JsonSyntaxError, parseJson } from '../json.js';
import { invalidField, objectAt, stringAt } from './request-fields.js';

export function parseToolCall(value: Json, path: string): JsonObject {
  const call = objectAt(value, path);
  const declared = objectAt(call.get('function'), `${path}.function`);
  const parsed = new Map<string, Json>();
  copy(call, parsed, 'id');
  parsed.set(
    'function',
    new Map([
      ['arguments', parseArguments(declared.get('arguments'), `${path}.function.arguments`)],
      ['name', stringAt(declared.get('name'), `${path}.function.name`)],
    ]),
  );
  copy(call, parsed, 'type');
  return parsed;
}

function copy(from: JsonObject, to: Map<string, Json>, key: string): void {
  const value = from.get(key);
  if (value !== undefined) to.set(key, value);
}

/** Templates expect a mapping; null and the empty string stand for one without members. */
function parseArguments(value: Json | undefined, path: string): Json {
  if (value === undefined || value === null || value === '') return new Map();
  if (isObject(value)) return value;
  const text = stringAt(value, path);
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw invalidField(path, `is not valid JSON: ${error.message}`);
  }
}
