// Body of /v1/messages (Anthropic) -> the chat that vLLM converts it to.
import type { ChatRequest, CompletionRequest } from '../inference-request.js';
import { isArray, isObject, type Json, type JsonArray, type JsonObject } from '../json.js';
import {
  chatTools,
  convertedChat,
  jsonObject,
  listOf,
  requiredMessages,
  textOf,
  UnknownForm,
} from './converted-chat.js';
import { MessageBlocks } from './message-blocks.js';

/** Clients put a hash of each request behind this; vLLM drops it for the sake of its cache. */
const BILLING_HEADER = 'x-anthropic-billing-header';
/** Names that some clients give to roles. */
const USER_ROLES: ReadonlySet<Json | undefined> = new Set(['user', 'ctx', 'msg']);

export function parseMessagesRequest(body: JsonObject): ChatRequest | CompletionRequest {
  requiredMessages(body);
  return convertedChat(body, () => chatOfMessages(body));
}

/** Throws UnknownForm, or RouterError without messages. */
export function chatOfMessages(body: JsonObject): JsonObject {
  return jsonObject({
    messages: convertMessages(body.get('system') ?? null, requiredMessages(body)),
    max_tokens: body.get('max_tokens'),
    tools: convertTools(body.get('tools') ?? null),
    tool_choice: choiceType(body) === 'none' ? 'none' : undefined,
    reasoning_effort: effort(body),
    chat_template_kwargs: body.get('chat_template_kwargs'),
    kv_transfer_params: body.get('kv_transfer_params'),
  });
}

function convertMessages(system: Json, messages: JsonArray): Json[] {
  const converted: Json[] = [];
  const systemTexts = systemParts(system);
  for (const message of messages) {
    if (!isObject(message)) throw new UnknownForm();
    const role = message.get('role');
    const content = message.get('content') ?? null;
    if (role === 'system') {
      systemTexts.push(...systemParts(content));
    } else if (USER_ROLES.has(role)) {
      converted.push(...userMessages(content));
    } else if (role === 'assistant') {
      converted.push(assistantMessage(content));
    } else throw new UnknownForm();
  }
  // System messages anywhere in the conversation become one at its beginning.
  if (systemTexts.length === 0) return converted;
  return [jsonObject({ role: 'system', content: systemTexts.join('') }), ...converted];
}

function systemParts(content: Json): string[] {
  if (content === null || content === '') return [];
  if (typeof content === 'string') return [content];
  return listOf(content).flatMap((block) => {
    if (!isObject(block)) throw new UnknownForm();
    const text = block.get('text') ?? null;
    const counts = block.get('type') === 'text' && typeof text === 'string' && text !== '';
    return counts && !text.startsWith(BILLING_HEADER) ? [text] : [];
  });
}

/** Results of tools become messages of their own, in front of what the user says beside them. */
function userMessages(content: Json): Json[] {
  if (typeof content === 'string') return [jsonObject({ role: 'user', content })];
  const blocks = new MessageBlocks(listOf(content), true);
  const said = blocks.content();
  return said === undefined
    ? blocks.toolMessages
    : [...blocks.toolMessages, jsonObject({ role: 'user', content: said })];
}

function assistantMessage(content: Json): JsonObject {
  if (typeof content === 'string') return jsonObject({ role: 'assistant', content });
  const blocks = new MessageBlocks(listOf(content), false);
  return jsonObject({
    role: 'assistant',
    reasoning: blocks.reasoning(),
    tool_calls: blocks.toolCalls.length === 0 ? undefined : blocks.toolCalls,
    content: blocks.content(),
  });
}

function convertTools(tools: Json): Json | undefined {
  if (tools === null) return undefined;
  const functions = listOf(tools).map((tool) => {
    if (!isObject(tool)) throw new UnknownForm();
    return jsonObject({
      name: textOf(tool.get('name')),
      description: tool.get('description'),
      parameters: schemaOf(tool.get('input_schema')),
      defer_loading: tool.get('defer_loading'),
    });
  });
  return chatTools(functions);
}

/** A schema without a type is that of an object. */
function schemaOf(schema: Json | undefined): JsonObject {
  if (!isObject(schema)) throw new UnknownForm();
  return schema.has('type') ? schema : new Map(schema).set('type', 'object');
}

function choiceType(body: JsonObject): Json | undefined {
  const choice = body.get('tool_choice');
  return isObject(choice) ? choice.get('type') : undefined;
}

function effort(body: JsonObject): Json | undefined {
  const output = body.get('output_config');
  return isObject(output) && !isArray(output) ? output.get('effort') : undefined;
}
