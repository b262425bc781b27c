// What can be had of a generation request without holding up the thread that asks.
import type { InferenceRequest, RequestShape } from '../inference-request.js';
import { unknownPrompt } from './converted-chat.js';
import { namedFields } from './named-fields.js';
import { parseRequest } from './request-parser.js';

/** Parsing this much takes about a millisecond. */
const PARSE_BYTES_MAX = 256 * 1024;

/** Whether the outline of such a body is a guess: right for what clients send, no reason to refuse. */
export function isGuessed(body: Uint8Array): boolean {
  return body.length > PARSE_BYTES_MAX;
}

/** A larger body is not parsed but searched, and its prompt counts as unknown. */
export function outlineRequest(shape: RequestShape, body: Uint8Array): InferenceRequest {
  if (!isGuessed(body)) return parseRequest(shape, body);
  const { model, stream, priority = 0 } = namedFields('application/json', body);
  return unknownPrompt({
    ...{ model: model ?? '', stream, priority, cacheSalt: null },
    ...{ truncatePromptTokens: null, truncationSide: null },
  });
}
