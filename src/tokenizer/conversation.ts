// Messages of a request -> the list of dicts a chat template sees.
import type { ChatMessage, ContentPart, Json, JsonObject } from '../inference-request.js';
import { isArray, isObject } from '../json.js';
import type { ContentFormat } from './content-format.js';

export type TemplateMessage = Map<string, Json>;

/** Media parts of `string` content are left out: their placeholders are the engine's. */
export function toTemplateMessages(
  messages: readonly ChatMessage[],
  format: ContentFormat,
): TemplateMessage[] {
  return messages.map((message) => {
    const content =
      format === 'openai'
        ? partsOf(message)
        : contentParts(message).map(partText).filter(Boolean).join('\n');
    return new Map<string, Json>([['role', message.role], ['content', content], ...message.fields]);
  });
}

function contentParts({ content }: ChatMessage): readonly ContentPart[] {
  if (content === null) return [];
  return typeof content === 'string' ? [{ kind: 'text', text: content, extra: null }] : content;
}

function partText(part: ContentPart): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'tool-reference':
      return part.name;
    case 'media':
      return '';
  }
}

function partsOf(message: ChatMessage): Json {
  const parts = contentParts(message);
  // Most templates know only text in tool messages, so vLLM flattens them.
  if (message.role === 'tool' && parts.every((part) => part.kind === 'text')) {
    return parts.map(partText).join('\n');
  }
  return parts.map(toDict);
}

function toDict(part: ContentPart): JsonObject {
  switch (part.kind) {
    case 'text':
      return new Map<string, Json>([['type', 'text'], ['text', part.text], ...(part.extra ?? [])]);
    case 'tool-reference':
      return new Map([
        ['type', 'tool_reference'],
        ['name', part.name],
      ]);
    case 'media':
      return new Map([['type', part.modality]]);
  }
}

/** For a template that does not know the role: developer messages become system messages, and all
 * of those one at the beginning, since strict templates take it nowhere else. */
export function mergeDeveloperMessages(messages: readonly TemplateMessage[]): TemplateMessage[] {
  const converted = messages.map((message) => {
    if (message.get('role') !== 'developer') return message;
    const system = new Map(message).set('role', 'system');
    system.delete('tools');
    return system;
  });
  const isSystem = (message: TemplateMessage) => message.get('role') === 'system';
  if (converted.findLastIndex(isSystem) <= 0) return converted;
  const text = converted.filter(isSystem).map(systemText).filter(Boolean).join('\n\n');
  const merged: TemplateMessage = new Map([
    ['role', 'system'],
    ['content', text],
  ]);
  return [merged, ...converted.filter((message) => !isSystem(message))];
}

function systemText(message: TemplateMessage): string {
  const content = message.get('content') ?? '';
  if (typeof content === 'string') return content;
  if (!isArray(content)) return '';
  return content
    .map((part) => (isObject(part) ? part.get('text') : part))
    .filter((text) => typeof text === 'string')
    .join('\n');
}
