// Json back to text that Python reads as the same value: keys in order, 1.0 with its point.
import { isArray, isObject, type Json, JsonFloat } from './json.js';

export function writeJson(value: Json): string {
  if (isObject(value)) {
    const members = [...value].map(([key, item]) => `${JSON.stringify(key)}:${writeJson(item)}`);
    return `{${members.join(',')}}`;
  }
  if (isArray(value)) return `[${value.map(writeJson).join(',')}]`;
  if (value instanceof JsonFloat) return writeFloat(value.value);
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}

/** Python reads NaN, Infinity and -Infinity under these names. */
function writeFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
