// Prompts that the router does not tokenize: given as token ids, or made by an engine.
import type { InferenceRequest, PromptQuestion } from '../inference-request.js';
import type { MediaItem } from '../prefix/extra-keys.js';
import { type EnginePrompt, readEngineAnswer } from './engine-answer.js';
import { ENGINE_TOKENIZER, type MatchModel, type Rendered } from './match-task.js';
import { type EncodedPrompts, keep, lengthLimit } from './model-tokenizer.js';

const NO_TIME = { renderUs: 0, tokenizeUs: 0 };

/** Whether an engine's answer would tell more of the prompt than the router's own tokenizer. */
export function asksEngine(request: InferenceRequest, model: MatchModel): boolean {
  // Nothing is matched then.
  if (request.skipsCacheRead) return false;
  if (model.tokenizer === ENGINE_TOKENIZER) return true;
  return model.rendersMedia === true && hasMedia(request);
}

/** /tokenize says nothing of media, by which blocks are told apart as well. */
export function questionFor(
  request: InferenceRequest,
  question: PromptQuestion | null,
): PromptQuestion | null {
  if (question === null || !hasMedia(request)) return question;
  return { ...question, notTokenizable: '/tokenize says nothing of media' };
}

/** Prompts that came as token ids; null: some did not. */
export function givenPrompts(
  request: InferenceRequest,
  maxModelLen: number | null,
): EncodedPrompts | null {
  const cut = { ...request, truncatePromptTokens: lengthLimit(request, maxModelLen) };
  const prompts = promptsOf(request);
  if (prompts.length === 0) return null;
  const tokens: Uint32Array[] = [];
  for (const prompt of prompts) {
    if (prompt === null || typeof prompt === 'string') return null;
    // Forwarded tokens of a chat are complete as they are.
    tokens.push(request.kind === 'completion' ? keep(prompt, cut) : prompt);
  }
  return { texts: tokens.map(() => null), tokens, isOpen: false, ...NO_TIME };
}

export interface RenderedPrompts extends EncodedPrompts {
  readonly media: readonly (readonly MediaItem[])[];
  readonly prompts: readonly EnginePrompt[];
}

/** Throws EngineAnswerError. */
export function renderedPrompts(rendered: Rendered): RenderedPrompts {
  const start = performance.now();
  const prompts =
    'prompts' in rendered ? rendered.prompts : readEngineAnswer(rendered.form, rendered.bytes);
  return {
    texts: prompts.map(() => null),
    tokens: prompts.map(({ tokens }) => tokens),
    media: prompts.map(({ media }) => media),
    prompts,
    isOpen: false,
    renderUs: 0,
    tokenizeUs: (performance.now() - start) * 1000,
  };
}

function promptsOf(request: InferenceRequest): readonly (string | Uint32Array | null)[] {
  switch (request.kind) {
    case 'chat':
      return [request.promptTokenIds];
    case 'chat-batch':
      return request.chats.map(({ promptTokenIds }) => promptTokenIds);
    case 'completion':
      return request.prompts;
  }
}

function hasMedia(request: InferenceRequest): boolean {
  return request.kind === 'chat' && request.hasMedia;
}
