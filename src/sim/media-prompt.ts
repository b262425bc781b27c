// Chats with images, audio or video in the simulated engine: each medium becomes a run of placeholder
// tokens in front of its message's text, where vLLM puts them for templates that take text.
import { createHash } from 'node:crypto';
import type { ChatMessage, ChatRequest, ContentPart } from '../inference-request.js';
import { isArray, isObject, type Json, type JsonObject } from '../json.js';
import { writeJson } from '../json-writer.js';
import { parseContentPart } from '../openai/content-part-parser.js';
import type { MediaItem } from '../prefix/extra-keys.js';

export interface MediaPlaceholder {
  /** One token of the model's vocabulary. */
  readonly text: string;
  readonly id: number;
}

export interface Medium {
  readonly modality: string;
  /** The client's `uuid`, else a hash of what it sent. */
  readonly identifier: string;
}

export interface MediaPrompt {
  readonly tokens: Uint32Array;
  readonly media: readonly (MediaItem & Pick<Medium, 'modality'>)[];
}

/** Media of a chat body in the order of their placeholders. */
export function mediaOf(body: JsonObject): Medium[] {
  const messages = body.get('messages');
  if (!isArray(messages)) return [];
  return messages.flatMap((message) => {
    const content = isObject(message) ? message.get('content') : null;
    return isArray(content) ? content.flatMap(mediumOf) : [];
  });
}

function mediumOf(part: Json): Medium[] {
  const [parsed] = parseContentPart(part, 'content');
  if (parsed?.kind !== 'media') return [];
  const uuid = isObject(part) ? part.get('uuid') : null;
  const hash = createHash('sha256').update(writeJson(part)).digest('hex');
  return [{ modality: parsed.modality, identifier: typeof uuid === 'string' ? uuid : hash }];
}

/** The chat with a placeholder's text where a medium was. */
export function withPlaceholders(chat: ChatRequest, { text }: MediaPlaceholder): ChatRequest {
  return { ...chat, messages: chat.messages.map((message) => placed(message, text)) };
}

function placed(message: ChatMessage, text: string): ChatMessage {
  const { content } = message;
  if (content === null || typeof content === 'string') return message;
  const isMedia = ({ kind }: ContentPart) => kind === 'media';
  const placeholder: ContentPart = { kind: 'text', text, extra: null };
  const media = content.filter(isMedia).map(() => placeholder);
  return { ...message, content: [...media, ...content.filter((part) => !isMedia(part))] };
}

/** null: the text itself holds placeholders, or the template dropped some. */
export function expandMedia(
  tokens: Uint32Array,
  { id }: MediaPlaceholder,
  media: readonly Medium[],
  tokensEach: number,
): MediaPrompt | null {
  const places = [...tokens.keys()].filter((at) => tokens[at] === id);
  if (places.length !== media.length) return null;
  const expanded = new Uint32Array(tokens.length + media.length * (tokensEach - 1));
  let [from, to] = [0, 0];
  const items = media.map((medium, i) => {
    const place = places[i] ?? 0;
    expanded.set(tokens.subarray(from, place), to);
    const offset = to + place - from;
    expanded.fill(id, offset, offset + tokensEach);
    [from, to] = [place + 1, offset + tokensEach];
    return { ...medium, offset, length: tokensEach };
  });
  expanded.set(tokens.subarray(from), to);
  return { tokens: expanded, media: items };
}

/** As vLLM's render routes describe them; null: there are none. */
export function featuresOf(media: MediaPrompt['media']): object | null {
  if (media.length === 0) return null;
  const modalities = [...new Set(media.map(({ modality }) => modality))];
  const each = <T>(of: (item: MediaPrompt['media'][number]) => T) =>
    Object.fromEntries(
      modalities.map((name) => [name, media.filter((item) => item.modality === name).map(of)]),
    );
  return {
    mm_hashes: each(({ identifier }) => identifier),
    mm_placeholders: each(({ offset, length }) => ({ offset, length })),
    kwargs_data: null,
  };
}
