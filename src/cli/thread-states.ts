// How the threads of the router are, for readiness and metrics.
import type { EventThread } from '../events/event-thread.js';
import type { ThreadState } from '../router/readiness.js';
import type { TokenizerPool } from '../tokenizer/tokenizer-pool.js';

export function threadStates(
  pool: Pick<TokenizerPool, 'readyThreads' | 'threads' | 'downSinceMs' | 'deaths'>,
  events: Pick<EventThread, 'downSinceMs' | 'deaths'>,
): readonly ThreadState[] {
  return [
    {
      ...{ kind: 'tokenizer', ready: pool.readyThreads, wanted: pool.threads },
      ...{ downSinceMs: pool.downSinceMs, deaths: pool.deaths },
    },
    {
      ...{ kind: 'event', ready: events.downSinceMs === null ? 1 : 0, wanted: 1 },
      ...{ downSinceMs: events.downSinceMs, deaths: events.deaths },
    },
  ];
}
