// Limits of a request: the router's own, above what its body's bytes bound, and the model's.
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

/** Throws RouterError `prompt_too_long`: vLLM refuses what does not fit instead of cutting it. */
export function checkLength(
  lengths: readonly number[],
  request: InferenceRequest,
  maxModelLen: number | null,
): void {
  if (maxModelLen === null) return;
  const maxTokens = request.maxTokens ?? 0;
  for (const length of lengths) {
    if (length > maxModelLen - maxTokens) throw promptTooLong(length, maxTokens, maxModelLen);
  }
}

/** What vLLM says, word for word, of a prompt that leaves no room for its answer. */
export function promptTooLong(
  promptTokens: number,
  maxTokens: number,
  maxModelLen: number,
): RouterError {
  return new RouterError(
    'prompt_too_long',
    `You passed ${promptTokens} input tokens and requested ${maxTokens} output tokens. ` +
      `However, the model's context length is only ${maxModelLen} tokens, resulting in a ` +
      `maximum input length of ${Math.max(0, maxModelLen - maxTokens)} tokens. ` +
      'Please reduce the length of the input prompt.',
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
