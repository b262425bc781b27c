// Input items of a Responses request -> chat messages. Some messages take several items: what an
// assistant thought, said and called are items of their own.
import { isArray, isObject, type Json, type JsonArray, type JsonObject } from '../json.js';
import { jsonObject, UnknownForm } from './converted-chat.js';

type Message = Map<string, Json>;

/** Throws UnknownForm for an item that vLLM does not turn into a message. */
export function chatMessagesOf(items: JsonArray): JsonObject[] {
  const messages: Message[] = [];
  for (const item of items) {
    if (!isObject(item)) throw new UnknownForm();
    addItem(item, messages);
  }
  return messages;
}

/** The answer shall go on where this last item ends. */
export function isUnfinished(item: Json | undefined): boolean {
  if (!isObject(item)) return false;
  const type = item.get('type') ?? 'message';
  const status = item.get('status');
  const isSpeech = type === 'message' || type === 'reasoning';
  return isSpeech && (status === 'in_progress' || status === 'incomplete');
}

function addItem(item: JsonObject, messages: Message[]): void {
  switch (item.get('type') ?? 'message') {
    case 'message':
      if (item.get('role') === 'assistant')
        say('content', firstText(item.get('content')), messages);
      else messages.push(new Map(item));
      return;
    case 'reasoning':
      say('reasoning', reasoningOf(item), messages);
      return;
    case 'function_call':
      call(item, messages);
      return;
    case 'function_call_output':
      messages.push(
        new Map([
          ['role', 'tool'],
          ['content', item.get('output') ?? null],
          ['tool_call_id', item.get('call_id') ?? null],
        ]),
      );
      return;
    default:
      throw new UnknownForm();
  }
}

/** Joins the assistant's message before, unless that has this field already. */
function say(field: 'content' | 'reasoning', text: string, messages: Message[]): void {
  const last = lastOfAssistant(messages);
  if (last !== null && (last.get(field) ?? null) === null) last.set(field, text);
  else messages.push(new Map([['role', 'assistant'] as const, [field, text] as const]));
}

function call(item: JsonObject, messages: Message[]): void {
  if ((item.get('namespace') ?? null) !== null) throw new UnknownForm();
  const declared = jsonObject({ name: item.get('name'), arguments: item.get('arguments') });
  const added = jsonObject({ id: item.get('call_id'), function: declared, type: 'function' });
  const last = lastOfAssistant(messages);
  if (last === null) {
    messages.push(
      new Map<string, Json>([
        ['role', 'assistant'],
        ['tool_calls', [added]],
      ]),
    );
    return;
  }
  const before = last.get('tool_calls');
  last.set('tool_calls', [...(isArray(before) ? before : []), added]);
}

function lastOfAssistant(messages: readonly Message[]): Message | null {
  const last = messages.at(-1);
  return last?.get('role') === 'assistant' ? last : null;
}

function reasoningOf(item: JsonObject): string {
  // Only the engine that sealed it could read it, and vLLM does not.
  if (item.get('encrypted_content')) throw new UnknownForm();
  const text = firstText(item.get('content'));
  return text === '' ? firstText(item.get('summary')) : text;
}

/** Text of the first part: all that vLLM takes of an answer that is handed back. */
function firstText(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  const first = isArray(content) ? content[0] : undefined;
  const text = isObject(first) ? (first.get('text') ?? '') : (first ?? '');
  if (typeof text !== 'string') throw new UnknownForm();
  return text;
}
