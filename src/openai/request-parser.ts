// Request bytes -> InferenceRequest, or a RouterError that says what is wrong where. Strict about
// what changes the prompt; the rest is the engine's to judge, since it gets the same bytes.
import { RouterError } from '../errors.js';
import type { InferenceRequest, RequestShape } from '../inference-request.js';
import { isObject, type JsonObject, JsonSyntaxError, jsonTypeName } from '../json.js';
import { parseJsonBytes, Utf8Error } from '../json-bytes.js';
import { parseChatBatchRequest } from './chat-batch-request-parser.js';
import { parseChatRequest } from './chat-request-parser.js';
import { parseCohereRequest } from './cohere-request-parser.js';
import { parseCompletionRequest } from './completion-request-parser.js';
import { parseGenerateRequest } from './generate-request-parser.js';
import { parseInvocation } from './invocation-request-parser.js';
import { parseMessagesRequest } from './messages-request-parser.js';
import { parseResponsesRequest } from './responses-request-parser.js';
import { parseScoringRequest } from './scoring-request-parser.js';

export function parseRequest(shape: RequestShape, body: Uint8Array): InferenceRequest {
  return parseRequestObject(shape, readObject(body));
}

/** For a body that is parsed already, such as a line of `inspect tokens`. */
export function parseRequestObject(shape: RequestShape, object: JsonObject): InferenceRequest {
  return PARSERS[shape](object);
}

const PARSERS: Readonly<Record<RequestShape, (body: JsonObject) => InferenceRequest>> = {
  chat: parseChatRequest,
  completions: parseCompletionRequest,
  'chat-batch': parseChatBatchRequest,
  responses: parseResponsesRequest,
  messages: parseMessagesRequest,
  'cohere-chat': parseCohereRequest,
  generate: parseGenerateRequest,
  scoring: parseScoringRequest,
  invocation: parseInvocation,
};

/** Body with `messages` is a chat, any other one a completion. */
export function shapeOf(object: JsonObject): RequestShape {
  return object.has('messages') ? 'chat' : 'completions';
}

/** Throws RouterError `invalid_json` or `invalid_request`. */
export function readObject(body: Uint8Array): JsonObject {
  try {
    const value = parseJsonBytes(body);
    if (isObject(value)) return value;
    throw new RouterError(
      'invalid_request',
      `request body must be a JSON object, not ${jsonTypeName(value)}`,
    );
  } catch (error) {
    if (error instanceof Utf8Error) {
      throw new RouterError('invalid_json', `request body is ${error.message}`, { cause: error });
    }
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new RouterError('invalid_json', `request body is not valid JSON: ${error.message}`, {
      cause: error,
    });
  }
}
