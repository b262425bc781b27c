// One chat message -> ChatMessage: the fields vLLM lets a template see, and no others.
import type { ChatMessage, ContentPart } from '../inference-request.js';
import { isArray, type Json, type JsonObject } from '../json.js';
import { parseContentPart } from './content-part-parser.js';
import { objectAt, optionalArray, optionalString, stringAt, wrongType } from './request-fields.js';
import { parseToolCall } from './tool-call-parser.js';

export function parseChatMessage(value: Json, path: string): ChatMessage {
  const message = objectAt(value, path);
  const role = stringAt(message.get('role'), `${path}.role`);
  return {
    role,
    content: parseContent(message.get('content') ?? null, `${path}.content`),
    fields: parseFields(role, message, path),
  };
}

function parseContent(content: Json, path: string): string | null | ContentPart[] {
  if (content === null || typeof content === 'string') return content;
  if (!isArray(content)) throw wrongType(path, 'a string, an array of parts or null', content);
  return content.flatMap((part, i) => parseContentPart(part, `${path}[${i}]`));
}

/** In the order in which vLLM adds them, which a template that dumps a message shows. */
function parseFields(role: string, message: JsonObject, path: string): JsonObject {
  const fields = new Map<string, Json>();
  if (role === 'assistant') addAssistantFields(fields, message, path);
  if (role === 'tool' && message.has('tool_call_id')) {
    fields.set('tool_call_id', optionalString(message, 'tool_call_id', `${path}.tool_call_id`));
  }
  for (const key of ['name', 'task']) {
    const value = message.get(key);
    if (typeof value === 'string') fields.set(key, value);
  }
  if (role === 'developer') {
    fields.set('tools', optionalArray(message, 'tools', `${path}.tools`));
  }
  return fields;
}

function addAssistantFields(fields: Map<string, Json>, message: JsonObject, path: string): void {
  const calls = optionalArray(message, 'tool_calls', `${path}.tool_calls`);
  if (calls !== null && calls.length > 0) {
    const parsed = calls.map((call, i) => parseToolCall(call, `${path}.tool_calls[${i}]`));
    fields.set('tool_calls', parsed);
  }
  const reasoning =
    optionalString(message, 'reasoning', `${path}.reasoning`) ??
    optionalString(message, 'reasoning_content', `${path}.reasoning_content`);
  if (reasoning !== null) {
    // Templates of both generations exist, so vLLM sets both names.
    fields.set('reasoning', reasoning);
    fields.set('reasoning_content', reasoning);
  }
}
