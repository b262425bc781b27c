// Reads JSON bodies of the engine's HTTP requests.
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import { isObject, type JsonObject, JsonSyntaxError, jsonTypeName, parseJson } from '../json.js';

/** A prompt of a million tokens as an array of ids is some 8 MB. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** Must be called before the handler returns for the first time. */
export async function readJsonObject(exchange: Exchange): Promise<JsonObject> {
  return jsonObjectOf(exchange, await readBytes(exchange));
}

/** Must be called before the handler returns for the first time. */
export function readBytes(exchange: Exchange): Promise<Uint8Array> {
  return exchange.readBody(BODY_BYTES_MAX);
}

export function jsonObjectOf(exchange: Exchange, bytes: Uint8Array): JsonObject {
  const type = exchange.header('content-type') ?? '';
  if (!/^application\/(\w+\+)?json\b/i.test(type.trim())) {
    throw new RouterError(
      'invalid_request',
      `content type must be application/json, not "${type}"`,
    );
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    const value = parseJson(text);
    if (isObject(value)) return value;
    const name = jsonTypeName(value);
    throw new RouterError('invalid_request', `request body must be a JSON object, not ${name}`);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new RouterError('invalid_json', `request body is not valid JSON: ${error.message}`);
  }
}
