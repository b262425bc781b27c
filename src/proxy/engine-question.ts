// One request of the router's own to an engine, answered whole: for what concerns several engines.
import { request } from 'undici';
import { RouterError } from '../errors.js';
import type { HeaderList } from '../http/exchange.js';
import { engineFailure } from './engine-failure.js';
import type { EngineDispatcher } from './engine-tls.js';
import type { ForwardRequest } from './forwarder.js';
import { requestHeaders, responseHeaders, sendFault } from './hop-headers.js';

export type EngineQuestion = Pick<ForwardRequest, 'method' | 'target' | 'headers' | 'body'>;

export interface EngineAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** Far more than any answer but a generated one. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** Rejects with RouterError when the engine gives no whole answer in time. */
export async function askEngine(
  url: string,
  question: EngineQuestion,
  timeoutMs: number,
  dispatcher: EngineDispatcher | null,
): Promise<EngineAnswer> {
  const { origin, pathname } = new URL(url);
  const path = pathname.replace(/\/+$/, '') + question.target;
  const extras = { extraRequestHeaders: [], extraResponseHeaders: [] };
  const headers = requestHeaders({ ...question, ...extras });
  const fault = sendFault(question.method, path, headers);
  if (fault !== null) {
    throw new RouterError('invalid_request', `the request cannot be passed on: ${fault}`);
  }
  try {
    const answer = await request(`${origin}${path}`, {
      method: question.method,
      headers,
      body: question.body,
      responseHeaders: 'raw',
      signal: AbortSignal.timeout(timeoutMs),
      ...(dispatcher === null ? {} : { dispatcher }),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > ANSWER_BYTES_MAX) throw new Error(`more than ${ANSWER_BYTES_MAX} bytes`);
      chunks.push(bytes);
    }
    const list = rawList(answer.headers);
    return { status: answer.statusCode, headers: list, body: Buffer.concat(chunks) };
  } catch (failure) {
    const cause = failure instanceof Error ? failure : new Error(String(failure));
    if (cause.name === 'TimeoutError') {
      throw new RouterError('engine_timeout', `engine ${url} did not answer in time`, { cause });
    }
    throw engineFailure(url, cause, true);
  }
}

/** Asked for raw headers undici gives a list of names and values, which its types do not say. */
function rawList(headers: unknown): HeaderList {
  return responseHeaders(Array.isArray(headers) ? headers : []);
}
