// Asks an engine which tokens it makes of a request.
import type { HeaderList } from '../http/exchange.js';
import type { RequestShape } from '../inference-request.js';
import type { Forwarder } from '../proxy/forwarder.js';
import type { CollectedAnswer } from './collected-answer.js';
import { askEngine } from './engine-question.js';

export interface TokenQuestion {
  readonly url: string;
  readonly shape: RequestShape;
  /** A chat or completion body as a client sends it. */
  readonly body: Uint8Array;
  readonly headers: HeaderList;
  readonly timeoutMs: number;
}

/** Token ids, prompt by prompt, or why the engine cannot tell. */
export type EngineTokens =
  | { readonly prompts: readonly (readonly number[])[] }
  | { readonly unavailable: string };

const PATHS: Partial<Record<RequestShape, string>> = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
};

/** Fields that change the tokens and that /tokenize does not take (VLLM.md 6.2). */
const RENDER_ONLY = [
  'documents',
  'reasoning_effort',
  'tool_choice',
  'truncate_prompt_tokens',
] as const;

/** By the engine's render route, which takes the whole request; by /tokenize where there is none and
 * the request says nothing that it does not know. Never rejects. */
export async function engineTokens(
  forwarder: Forwarder,
  question: TokenQuestion,
): Promise<EngineTokens> {
  const path = PATHS[question.shape];
  if (path === undefined) return { unavailable: `nobody renders ${question.shape} requests` };
  const rendered = await ask(forwarder, question, `${path}/render`, question.body);
  if (typeof rendered === 'string') return { unavailable: rendered };
  if (rendered.status === 200) return promptsOf(rendered, 'token_ids');
  const body = forTokenize(question.body);
  if (typeof body === 'string') return { unavailable: body };
  const tokenized = await ask(forwarder, question, '/tokenize', body);
  if (typeof tokenized === 'string') return { unavailable: tokenized };
  if (tokenized.status === 200) return promptsOf(tokenized, 'tokens');
  return { unavailable: `/tokenize answers ${tokenized.status}` };
}

/** Text: why there is no answer. */
async function ask(
  forwarder: Forwarder,
  { url, headers, timeoutMs }: TokenQuestion,
  path: string,
  body: Uint8Array,
): Promise<CollectedAnswer | string> {
  const kept = headers.filter(([name]) => name === 'authorization');
  const json: HeaderList = [...kept, ['content-type', 'application/json']];
  const deadline = AbortSignal.timeout(timeoutMs);
  const question = { method: 'POST', path, query: '', headers: json, body };
  const { answer, failure } = await askEngine(forwarder, url, question, (begun) => {
    deadline.addEventListener('abort', () => begun.abort());
  });
  if (failure !== null) return failure.message;
  return answer.aborted ? `${path} gave no whole answer in ${timeoutMs} ms` : answer;
}

/** Why not, as text. */
function forTokenize(body: Uint8Array): Uint8Array | string {
  const request = record(parsed(body));
  const unknown = RENDER_ONLY.find((name) => name in request && request[name] !== null);
  if (unknown !== undefined) return `the engine has no render route, and /tokenize no ${unknown}`;
  if (Array.isArray(request['prompt'])) return '/tokenize takes one prompt of text';
  return body;
}

function promptsOf({ value }: CollectedAnswer, field: string): EngineTokens {
  const prompts = (Array.isArray(value) ? value : [value]).map((one) => record(one)[field]);
  const isList = (ids: unknown): ids is number[] =>
    Array.isArray(ids) && ids.every((id) => typeof id === 'number');
  return prompts.every(isList) ? { prompts } : { unavailable: `the answer has no ${field}` };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    // The engine says better than we could what is wrong with it.
    return null;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
