// Requests of other APIs, converted to the chat body that vLLM makes of them.
import { RouterError } from '../errors.js';
import type { ChatRequest, CompletionRequest } from '../inference-request.js';
import { isArray, type Json, type JsonArray, type JsonObject } from '../json.js';
import { parseChatRequest } from './chat-request-parser.js';
import { parseCommonFields } from './common-fields.js';
import { invalidField, wrongType } from './request-fields.js';

/** The conversion does not know a form in the request. The engine may, so it is no error. */
export class UnknownForm extends Error {}

/** A body under construction; members that are undefined are left out. */
export function jsonObject(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  const object = new Map<string, Json>();
  for (const [key, value] of Object.entries(members)) {
    if (value !== undefined) object.set(key, value);
  }
  return object;
}

/** The chat that `convert` makes of a body. A form that it does not know, or that makes no sense as a
 * chat, is left to the engine to judge: such a prompt is unknown here, not refused. */
export function convertedChat(
  body: JsonObject,
  convert: () => JsonObject,
): ChatRequest | CompletionRequest {
  // Read first: what is wrong with these the client is told by its own names.
  const common = parseCommonFields(body);
  try {
    const { truncatePromptTokens, ...chat } = parseChatRequest(convert());
    return { ...chat, ...common, truncatePromptTokens };
  } catch (error) {
    const isTheEngines =
      error instanceof UnknownForm ||
      (error instanceof RouterError && error.code === 'invalid_request');
    if (!isTheEngines) throw error;
    return unknownPrompt(common);
  }
}

/** A request whose prompt only the engine can make. */
export function unknownPrompt(common: ReturnType<typeof parseCommonFields>): CompletionRequest {
  return {
    kind: 'completion',
    ...common,
    prompts: [],
    addSpecialTokens: false,
    maxTokens: null,
    skipsCacheRead: false,
  };
}

/** `messages` of a body; every API refuses a request without one. */
export function requiredMessages(body: JsonObject): JsonArray {
  const messages = body.get('messages');
  if (!isArray(messages)) throw wrongType('messages', 'an array', messages);
  if (messages.length === 0) throw invalidField('messages', 'must hold at least one message');
  return messages;
}

/** Functions of a tool list as the chat API declares them. vLLM passes an empty list on as none. */
export function chatTools(functions: readonly JsonObject[]): Json | undefined {
  if (functions.length === 0) return undefined;
  return functions.map((declared) => jsonObject({ type: 'function', function: declared }));
}

export function textOf(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  throw new UnknownForm();
}

export function listOf(value: Json | undefined): JsonArray {
  if (isArray(value)) return value;
  throw new UnknownForm();
}
