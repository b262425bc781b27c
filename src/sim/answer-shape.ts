// AnswerShape: how vLLM writes an answer on its chat and completion routes, whole and in chunks.

export interface Usage {
  readonly prompt_tokens: number;
  readonly total_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details?: { readonly cached_tokens: number };
}

export type FinishReason = 'stop' | 'length';

/** A piece of one choice, or all of it. */
export interface ChoicePart {
  readonly index: number;
  readonly text: string;
  /** null where the client did not ask for them. */
  readonly tokenIds: readonly number[] | null;
  readonly finishReason: FinishReason | null;
  /** The stop string or stop token that was met. */
  readonly stopReason: string | number | null;
}

export interface AnswerShape {
  readonly object: string;
  readonly chunkObject: string;
  /** Sent before the first text of a choice; null: nothing is. */
  openingChoice(index: number): object | null;
  chunkChoice(part: ChoicePart, promptTokenIds: readonly number[] | null): object;
  wholeChoice(part: ChoicePart, promptTokenIds: readonly number[] | null): object;
  /** Fields beside `choices`, which carry the prompt's tokens when they were asked for. */
  extraFields(promptTokenIds: readonly number[] | null): object;
}

export const CHAT_SHAPE: AnswerShape = {
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  openingChoice: (index) => ({
    index,
    delta: { role: 'assistant', content: '' },
    logprobs: null,
    finish_reason: null,
  }),
  chunkChoice: ({ index, text, tokenIds, finishReason, stopReason }) => ({
    index,
    delta: { content: text },
    logprobs: null,
    finish_reason: finishReason,
    ...(finishReason === null ? {} : { stop_reason: stopReason }),
    token_ids: tokenIds,
  }),
  wholeChoice: ({ index, text, tokenIds, finishReason, stopReason }) => ({
    index,
    message: {
      role: 'assistant',
      content: text,
      refusal: null,
      annotations: null,
      audio: null,
      function_call: null,
      tool_calls: [],
      reasoning: null,
    },
    logprobs: null,
    finish_reason: finishReason,
    stop_reason: stopReason,
    token_ids: tokenIds,
  }),
  extraFields: (promptTokenIds) => ({ prompt_token_ids: promptTokenIds }),
};

export const COMPLETION_SHAPE: AnswerShape = {
  object: 'text_completion',
  chunkObject: 'text_completion',
  openingChoice: () => null,
  chunkChoice: completionChoice,
  wholeChoice: completionChoice,
  extraFields: () => ({}),
};

function completionChoice(part: ChoicePart, promptTokenIds: readonly number[] | null): object {
  return {
    index: part.index,
    text: part.text,
    logprobs: null,
    finish_reason: part.finishReason,
    stop_reason: part.stopReason,
    token_ids: part.tokenIds,
    prompt_logprobs: null,
    prompt_token_ids: promptTokenIds,
  };
}

/** Fields that all messages of one answer share. */
export interface AnswerHead {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  readonly model: string;
}
