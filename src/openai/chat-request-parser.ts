// Body of /v1/chat/completions -> ChatRequest.
import { RouterError } from '../errors.js';
import type { ChatMessage, ChatRequest } from '../inference-request.js';
import { isArray, isObject, type JsonObject } from '../json.js';
import { parseChatMessage } from './chat-message-parser.js';
import { isSet, parseCommonFields, tokenLimit } from './common-fields.js';
import {
  invalidField,
  looseBoolean,
  objectAt,
  optionalArray,
  optionalBoolean,
  optionalObject,
  optionalString,
} from './request-fields.js';
import { parseTokenIds } from './token-ids.js';
import { parseTools } from './tool-parser.js';

/** Keyword arguments that would replace what the server decides; vLLM refuses them. */
const FORBIDDEN_KWARGS = ['chat_template', 'tokenize'] as const;

export function parseChatRequest(body: JsonObject): ChatRequest {
  const messages = parseMessages(body);
  const hasMedia = messages.some(holdsMedia);
  return {
    kind: 'chat',
    ...parseCommonFields(body),
    ...parsePromptEnd(body),
    messages,
    hasMedia,
    tools: parseTools(body),
    toolChoiceNone: body.get('tool_choice') === 'none',
    documents: parseDocuments(body),
    reasoningEffort: optionalString(body, 'reasoning_effort'),
    chatTemplate: optionalString(body, 'chat_template'),
    chatTemplateKwargs: parseKwargs(body),
    // Forwarded tokens would lose the media, so vLLM renders such a request again.
    promptTokenIds: hasMedia ? null : parseForwardedTokens(body),
    addSpecialTokens: optionalBoolean(body, 'add_special_tokens') ?? false,
    maxTokens: tokenLimit(body, 'max_completion_tokens') ?? tokenLimit(body, 'max_tokens'),
    skipsCacheRead:
      isSet(body, 'prompt_logprobs') || (looseBoolean(body.get('echo') ?? false) ?? false),
  };
}

function parseMessages(body: JsonObject): ChatMessage[] {
  const messages = optionalArray(body, 'messages');
  if (messages === null) throw invalidField('messages', 'is required');
  if (messages.length === 0) throw invalidField('messages', 'must hold at least one message');
  return messages.map((message, i) => parseChatMessage(message, `messages[${i}]`));
}

function holdsMedia({ content }: ChatMessage): boolean {
  if (content === null || typeof content === 'string') return false;
  return content.some((part) => part.kind === 'media');
}

function parsePromptEnd(
  body: JsonObject,
): Pick<ChatRequest, 'addGenerationPrompt' | 'continueFinalMessage'> {
  const addGenerationPrompt = optionalBoolean(body, 'add_generation_prompt') ?? true;
  const continueFinalMessage = optionalBoolean(body, 'continue_final_message') ?? false;
  if (addGenerationPrompt && continueFinalMessage) {
    throw new RouterError(
      'invalid_request',
      'Cannot set both `continue_final_message` and `add_generation_prompt` to True ' +
        '(`add_generation_prompt` is True unless the request says otherwise).',
      { param: 'continue_final_message' },
    );
  }
  return { addGenerationPrompt, continueFinalMessage };
}

function parseDocuments(body: JsonObject): JsonObject[] | null {
  const documents = optionalArray(body, 'documents');
  return documents === null
    ? null
    : documents.map((document, i) => objectAt(document, `documents[${i}]`));
}

function parseKwargs(body: JsonObject): JsonObject {
  const kwargs = optionalObject(body, 'chat_template_kwargs');
  if (kwargs === null) return new Map();
  for (const name of FORBIDDEN_KWARGS) {
    if (kwargs.has(name)) {
      throw invalidField(`chat_template_kwargs.${name}`, 'cannot be set by a request');
    }
  }
  return kwargs;
}

/** A prefill engine hands its tokens to the decode engine in `kv_transfer_params`. */
function parseForwardedTokens(body: JsonObject): Uint32Array | null {
  const transfer = body.get('kv_transfer_params');
  const ids = isObject(transfer) ? transfer.get('prompt_token_ids') : null;
  if (!isArray(ids) || ids.length === 0) return null;
  return parseTokenIds(ids, 'kv_transfer_params.prompt_token_ids');
}
