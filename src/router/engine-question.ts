// One request to one engine whose answer is for the router itself.
import type { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import type { Forwarder } from '../proxy/forwarder.js';
import { CollectedAnswer } from './collected-answer.js';

export type EngineQuestion = Pick<Exchange, 'method' | 'path' | 'query' | 'headers'> & {
  readonly body: Uint8Array | null;
};

export interface EngineReply {
  /** That of the failure when there was no whole answer. */
  readonly status: number;
  readonly answer: CollectedAnswer;
  /** null: the answer is whole. */
  readonly failure: RouterError | null;
  readonly succeeded: boolean;
}

/** `begun` gets the answer before it is there, to give it up. Never rejects. */
export async function askEngine(
  forwarder: Forwarder,
  url: string,
  question: EngineQuestion,
  begun: (answer: CollectedAnswer) => void,
): Promise<EngineReply> {
  const { method, path, query, headers } = question;
  const answer = new CollectedAnswer(question);
  begun(answer);
  const request = {
    method,
    target: query === '' ? path : `${path}?${query}`,
    headers,
    body: method === 'GET' || method === 'HEAD' ? null : question.body,
    extraRequestHeaders: [],
    extraResponseHeaders: [],
  };
  const outcome = await forwarder.forward(url, request, answer, {});
  const failure = 'error' in outcome ? outcome.error : null;
  const succeeded = outcome.kind === 'completed' && isSuccess(answer);
  return { status: failure?.status ?? answer.status, answer, failure, succeeded };
}

/** vLLM answers 200 with `success: false` when blocks are in use and nothing was reset. */
function isSuccess({ status, value }: CollectedAnswer): boolean {
  if (status < 200 || status > 299) return false;
  const refuses =
    typeof value === 'object' && value !== null && 'success' in value && value.success === false;
  return !refuses;
}
