// A prompt with media is known only up to the first image, audio or video: the engine puts as many
// tokens there as the media need. Two variants of the conversation that part at that place find it,
// whatever the template writes there.
import type { ChatMessage, ContentPart } from '../inference-request.js';
import type { ContentFormat } from './content-format.js';

export function mediaVariants(
  messages: readonly ChatMessage[],
  format: ContentFormat,
): [ChatMessage[], ChatMessage[]] {
  if (format === 'openai') return [[...messages], messages.map(withoutMedia)];
  // Engines put the placeholders before the message's text, in a form only they know.
  return [markFirst(messages, '\u0001'), markFirst(messages, '\u0002')];
}

/** Tokens that both variants begin with: the part of the prompt that is certain. */
export function commonTokens(a: Uint32Array, b: Uint32Array): Uint32Array {
  const end = a.findIndex((token, i) => token !== b[i]);
  return end < 0 ? a : a.subarray(0, end);
}

function withoutMedia(message: ChatMessage): ChatMessage {
  const { content } = message;
  if (content === null || typeof content === 'string') return message;
  return { ...message, content: content.filter((part) => part.kind !== 'media') };
}

function markFirst(messages: readonly ChatMessage[], mark: string): ChatMessage[] {
  const first = messages.findIndex(({ content }) => holdsMedia(content));
  return messages.map((message, i) => {
    if (i !== first || message.content === null || typeof message.content === 'string') {
      return message;
    }
    const part: ContentPart = { kind: 'text', text: mark, extra: null };
    return { ...message, content: [part, ...message.content] };
  });
}

function holdsMedia(content: ChatMessage['content']): boolean {
  if (content === null || typeof content === 'string') return false;
  return content.some((part) => part.kind === 'media');
}
