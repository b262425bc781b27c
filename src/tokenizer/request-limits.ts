// The router's own limits of a request, above what its body's bytes bound.
import { RouterError } from '../errors.js';
import type { InferenceRequest } from '../inference-request.js';

export interface RequestLimits {
  /** Over all conversations of a request. */
  readonly messages: number;
  /** Over all prompts of a request. */
  readonly promptTokens: number;
}

export const NO_LIMITS: RequestLimits = {
  messages: Number.POSITIVE_INFINITY,
  promptTokens: Number.POSITIVE_INFINITY,
};

/** Throws RouterError `invalid_request`. Before rendering: that is what many messages cost. */
export function checkMessages(request: InferenceRequest, { messages: limit }: RequestLimits): void {
  const count = messageCount(request);
  if (count <= limit) return;
  throw new RouterError(
    'invalid_request',
    `messages: the request has ${count} messages, the router takes at most ${limit}`,
    { param: 'messages' },
  );
}

/** Throws RouterError `prompt_too_long`. */
export function checkPromptTokens(
  lengths: readonly number[],
  { promptTokens: limit }: RequestLimits,
): void {
  const count = lengths.reduce((sum, length) => sum + length, 0);
  if (count <= limit) return;
  throw new RouterError(
    'prompt_too_long',
    `the prompt has ${count} tokens, the router takes at most ${limit}`,
    { param: 'input_tokens' },
  );
}

function messageCount(request: InferenceRequest): number {
  switch (request.kind) {
    case 'chat':
      return request.messages.length;
    case 'chat-batch':
      return request.chats.reduce((sum, { messages }) => sum + messages.length, 0);
    case 'completion':
      return 0;
  }
}
