// The clients of a soak: keen ones, slow ones, and ones that leave without a word.
import { setTimeout as delay } from 'node:timers/promises';
import { Agent } from 'undici';
import { callForLoad, type LoadCall, type LoadEnd, type LoadRecord } from '../support/load-call.js';

export type Random = (bound: number) => number;

export interface SoakLoad {
  readonly counts: Readonly<Record<LoadEnd, number>>;
  /** Calls that ended in no good way, the first of them. */
  readonly failures: readonly LoadRecord[];
  /** Lets what is under way end. */
  stop(): Promise<void>;
}

/** A bug fails every call; a few of them show it. */
const FAILURES_KEPT = 10_000;
const PREFIXES = 30;
const WORDS = 'tide quay harbour gull mast anchor rope sail deck chart wind buoy net crew'.split(
  ' ',
);

export function startSoakLoad(
  { url, model, clients }: { url: string; model: string; clients: number },
  random: Random,
): SoakLoad {
  const agent = new Agent({ connections: clients, keepAliveTimeout: 4000 });
  const counts: Record<LoadEnd, number> = { whole: 0, cut: 0, left: 0, lost: 0 };
  const failures: LoadRecord[] = [];
  let stopped = false;
  const running = Array.from({ length: clients }, async () => {
    // Not all at once.
    await delay(random(2000));
    while (!stopped) {
      const record = await callForLoad({ urls: [url], agent, ...newCall(model, random) });
      counts[record.end] += 1;
      const isFailure = record.end === 'cut' || record.end === 'lost';
      if (isFailure && failures.length < FAILURES_KEPT) failures.push(record);
      // A router that is gone must not make this loop spin.
      if (record.status === null) await delay(50);
    }
  });
  return {
    counts,
    failures,
    async stop() {
      stopped = true;
      await Promise.all(running);
      await agent.close();
    },
  };
}

function newCall(
  model: string,
  random: Random,
): Pick<LoadCall, 'body' | 'pauseMs' | 'leavesAfterMs'> {
  const prefix = random(PREFIXES);
  const words = (count: number, first: number) =>
    Array.from({ length: count }, (_, i) => WORDS[(first * 7 + i * (first + 3)) % WORDS.length]);
  const body = {
    model,
    stream: random(100) < 85,
    stream_options: null,
    max_tokens: random(10) === 0 ? 200 : 5 + random(50),
    messages: [
      { role: 'system', content: words(150, prefix).join(' ') },
      { role: 'user', content: `${words(20, random(1000)).join(' ')} ${random(1_000_000)}` },
    ],
  };
  switch (random(10)) {
    case 0:
      return { body, pauseMs: 50 + random(300) };
    case 1:
      return { body, leavesAfterMs: 1 + random(2000) };
    default:
      return { body };
  }
}
