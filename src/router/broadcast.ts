// Sends one request to several engines and gathers what each says.
import { RouterError } from '../errors.js';
import { askEngine, type EngineAnswer, type EngineQuestion } from '../proxy/engine-question.js';
import { replaceHeaders } from '../proxy/hop-headers.js';
import type { LiveEndpoint } from './live-endpoint.js';

export interface EngineReply {
  /** Ranks behind one server are asked once, through the first of them. */
  readonly live: LiveEndpoint;
  /** Why there is no answer, otherwise. */
  readonly answer: EngineAnswer | RouterError;
}

/** More at once would only fill the network: a fleet may have a thousand engines. */
const ASKED_AT_ONCE = 32;

/** In the order of `endpoints`. Never rejects. */
export async function broadcast(
  endpoints: readonly LiveEndpoint[],
  question: EngineQuestion,
  timeoutMs: number,
): Promise<EngineReply[]> {
  const servers = new Map<string, LiveEndpoint>();
  for (const live of endpoints) {
    if (!servers.has(live.endpoint.url)) servers.set(live.endpoint.url, live);
  }
  const waiting = [...servers.values()].entries();
  const replies: EngineReply[] = [];
  const asker = async () => {
    for (const [position, live] of waiting) {
      replies[position] = { live, answer: await ask(live, question, timeoutMs) };
    }
  };
  await Promise.all(Array.from({ length: Math.min(ASKED_AT_ONCE, servers.size) }, asker));
  return replies;
}

/** Null: no answer. */
export function statusOf({ answer }: EngineReply): number | null {
  return answer instanceof RouterError ? null : answer.status;
}

export function succeeded(reply: EngineReply): boolean {
  const status = statusOf(reply);
  return status !== null && status >= 200 && status < 300;
}

/** For people: what an engine answered, or why it did not. */
export function describeReply(reply: EngineReply): object {
  const { live, answer } = reply;
  const { name } = live.endpoint;
  if (answer instanceof RouterError)
    return { endpoint: name, status: null, message: answer.message };
  return { endpoint: name, status: answer.status, message: readable(answer.body) };
}

/** Text of an error body, or the body itself. */
function readable(body: Buffer): unknown {
  const text = body.toString();
  try {
    const parsed: unknown = JSON.parse(text);
    return messageIn(parsed) ?? parsed;
  } catch {
    // Engines answer some of these requests with plain text.
    return text;
  }
}

function messageIn(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if ('error' in value) return messageIn(value.error);
  return 'message' in value && typeof value.message === 'string' ? value.message : null;
}

async function ask(
  live: LiveEndpoint,
  question: EngineQuestion,
  timeoutMs: number,
): Promise<EngineAnswer | RouterError> {
  try {
    const headers = replaceHeaders(question.headers, live.credentials);
    const asked = { ...question, headers };
    return await askEngine(live.endpoint.url, asked, timeoutMs, live.questions);
  } catch (failure) {
    if (failure instanceof RouterError) return failure;
    throw failure;
  }
}
