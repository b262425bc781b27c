// The content blocks of one Anthropic message, sorted into what a chat message has for them.
import { isArray, isObject, type Json, type JsonArray, type JsonObject } from '../json.js';
import { jsonObject, listOf, textOf, UnknownForm } from './converted-chat.js';

/** What the image shows is the engine's; that there is one ends what is known of the prompt. */
const IMAGE = jsonObject({ type: 'image_url' });

export class MessageBlocks {
  readonly toolMessages: Json[] = [];
  readonly toolCalls: Json[] = [];
  readonly #parts: JsonObject[] = [];
  readonly #thoughts: string[] = [];

  /** Throws UnknownForm for a block that vLLM's protocol does not have. */
  constructor(blocks: JsonArray, isUser: boolean) {
    for (const block of blocks) {
      if (!isObject(block)) throw new UnknownForm();
      this.#add(block, isUser);
    }
  }

  /** A single text as it is, several parts as a list; undefined when there are none. */
  content(): Json | undefined {
    const [first, second] = this.#parts;
    if (first === undefined) return undefined;
    return second === undefined && first.get('type') === 'text' ? first.get('text') : this.#parts;
  }

  reasoning(): string | undefined {
    return this.#thoughts.length === 0 ? undefined : this.#thoughts.join('');
  }

  #add(block: JsonObject, isUser: boolean): void {
    const content = block.get('content') ?? null;
    switch (block.get('type')) {
      case 'text':
        if ((block.get('text') ?? '') !== '') this.#addText(textOf(block.get('text')));
        return;
      case 'image':
        if (isObject(block.get('source'))) this.#parts.push(IMAGE);
        return;
      case 'thinking':
        if ((block.get('thinking') ?? null) !== null) {
          this.#thoughts.push(textOf(block.get('thinking')));
        }
        return;
      case 'tool_use':
        this.toolCalls.push(toolCall(block));
        return;
      case 'tool_result':
        if (isUser) this.toolMessages.push(...toolResult(block, content));
        // Of a list vLLM would show Python's notation.
        else this.#addText(`Tool result: ${content === null ? '' : textOf(content)}`);
        return;
      case 'redacted_thinking':
      case 'tool_reference':
        return;
      default:
        throw new UnknownForm();
    }
  }

  #addText(text: string): void {
    this.#parts.push(jsonObject({ type: 'text', text }));
  }
}

function toolCall(block: JsonObject): JsonObject {
  const input = block.get('input') ?? null;
  if (input !== null && !isObject(input)) throw new UnknownForm();
  return jsonObject({
    id: textOf(block.get('id')),
    type: 'function',
    function: jsonObject({ name: block.get('name') ?? '', arguments: input ?? new Map() }),
  });
}

function toolResult(block: JsonObject, content: Json): JsonObject[] {
  const id = block.get('tool_use_id') ?? '';
  const texts: string[] = [];
  const references: JsonObject[] = [];
  let images = 0;
  if (typeof content === 'string') texts.push(content);
  else if (isArray(content)) {
    for (const item of listOf(content).filter(isObject)) {
      const type = item.get('type');
      if (type === 'text') texts.push(textOf(item.get('text') ?? ''));
      else if (type === 'image') images += 1;
      else if (type === 'tool_reference') references.push(...toolReference(item));
    }
  }
  const messages = [jsonObject({ role: 'tool', tool_call_id: id, content: texts.join('\n') })];
  if (images > 0) {
    messages.push(
      jsonObject({ role: 'user', content: Array.from({ length: images }, () => IMAGE) }),
    );
  }
  if (references.length > 0) {
    messages.push(jsonObject({ role: 'tool', tool_call_id: id, content: references }));
  }
  return messages;
}

function toolReference(item: JsonObject): JsonObject[] {
  const name = item.get('tool_name') || item.get('name');
  return typeof name === 'string' && name !== ''
    ? [jsonObject({ type: 'tool_reference', name })]
    : [];
}
