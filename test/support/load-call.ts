// One call of a load: what a client of some temper sees of a chat, told in one record.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type Agent, request } from 'undici';

export interface LoadCall {
  /** Where to ask; the next one when nobody listens at the first, as a balancer does it. */
  readonly urls: readonly string[];
  readonly agent: Agent;
  /** Of /v1/chat/completions. */
  readonly body: { readonly stream: boolean; readonly [field: string]: unknown };
  /** Pause after each part of the answer. */
  readonly pauseMs?: number;
  /** Leaves after so long, whatever has come. */
  readonly leavesAfterMs?: number;
}

/** `cut`: it began and did not end. `lost`: no answer began. */
export type LoadEnd = 'whole' | 'cut' | 'left' | 'lost';

export interface LoadRecord {
  readonly end: LoadEnd;
  readonly streamed: boolean;
  /** null: not even a status line came. */
  readonly status: number | null;
  readonly endpoint: string | null;
  readonly startedMs: number;
  readonly endedMs: number;
  /** What came instead of an answer. */
  readonly detail: string;
}

const REFUSED = 'ECONNREFUSED';

export async function callForLoad(call: LoadCall): Promise<LoadRecord> {
  const { leavesAfterMs, body } = call;
  const signal = leavesAfterMs === undefined ? null : AbortSignal.timeout(leavesAfterMs);
  const startedMs = performance.now();
  let status: number | null = null;
  let endpoint: string | null = null;
  let text = '';
  const ended = (end: LoadEnd, detail = ''): LoadRecord => {
    const times = { startedMs, endedMs: performance.now() };
    return { end, streamed: body.stream, status, endpoint, ...times, detail };
  };
  try {
    const answer = await ask(call, signal);
    status = answer.statusCode;
    endpoint = String(answer.headers['x-warmpath-endpoint'] ?? '');
    for await (const chunk of answer.body) {
      text += String(chunk);
      if (call.pauseMs !== undefined) await delay(call.pauseMs);
    }
  } catch (failure) {
    if (signal?.aborted === true) return ended('left');
    return ended(
      text === '' ? 'lost' : 'cut',
      `${failure} after ${JSON.stringify(text.slice(-90))}`,
    );
  }
  if (status !== 200) return ended('lost', text);
  if (!body.stream) return ended(text.includes('"finish_reason"') ? 'whole' : 'lost', text);
  return text.endsWith('data: [DONE]\n\n') ? ended('whole') : ended('cut', text.slice(-200));
}

async function ask({ urls, agent, body }: LoadCall, signal: AbortSignal | null) {
  let failure: unknown = new Error('no address to ask');
  for (const url of urls) {
    try {
      return await request(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        dispatcher: agent,
        ...(signal === null ? {} : { signal }),
      });
    } catch (thrown) {
      failure = thrown;
      const refused = thrown instanceof Error && 'code' in thrown && thrown.code === REFUSED;
      if (!refused) break;
    }
  }
  throw failure;
}
