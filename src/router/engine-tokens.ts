// Asks an engine which tokens it makes of a request, to compare them with the router's.
import type { HeaderList } from '../http/exchange.js';
import type { RequestShape } from '../inference-request.js';
import { promptQuestion } from '../openai/prompt-question.js';
import type { Forwarder } from '../proxy/forwarder.js';
import { EngineAnswerError, readEngineAnswer } from '../tokenizer/engine-answer.js';
import { inquire } from './prompt-inquiry.js';

export interface TokenQuestion {
  readonly url: string;
  readonly shape: RequestShape;
  /** A body as a client sends it. */
  readonly body: Uint8Array;
  readonly headers: HeaderList;
  readonly timeoutMs: number;
}

/** Token ids, prompt by prompt, or why the engine cannot tell. */
export type EngineTokens =
  | { readonly prompts: readonly Uint32Array[] }
  | { readonly unavailable: string };

/** Never rejects for a body that the router's parsers take. */
export async function engineTokens(
  forwarder: Forwarder,
  { shape, body, ...inquiry }: TokenQuestion,
): Promise<EngineTokens> {
  const question = promptQuestion(shape, body);
  if (question === null) return { unavailable: `nobody renders this ${shape} request` };
  const { outcome } = await inquire(forwarder, { ...inquiry, question });
  if (outcome.kind !== 'answered') return { unavailable: outcome.reason };
  try {
    const prompts = readEngineAnswer(outcome.form, outcome.bytes);
    return { prompts: prompts.map(({ tokens }) => tokens) };
  } catch (error) {
    if (error instanceof EngineAnswerError) return { unavailable: error.message };
    throw error;
  }
}
