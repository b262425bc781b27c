// Whether a router should get requests, and what it lacks where it could serve them better.

/** Threads of one kind. */
export interface ThreadState {
  readonly kind: 'tokenizer' | 'event';
  readonly ready: number;
  readonly wanted: number;
  /** Since when none is ready, by performance.now(); null: some are. */
  readonly downSinceMs: number | null;
  /** Times that one has died. */
  readonly deaths: number;
}

export interface ReadinessParts {
  readonly draining: () => boolean;
  /** Endpoints that may get a request now. */
  readonly availableEndpoints: () => number;
  readonly threads: () => readonly ThreadState[];
  readonly nowMs: () => number;
}

export interface Readiness {
  readonly ready: boolean;
  /** `ok`, or why not; then one line for each thing that is missing. */
  readonly text: string;
}

/** A router whose threads are being started again sends the clients to others for this long. If they do
 * not come back, it serves by load: should all routers suffer from the same, that is better than none. */
const RECOVERY_MS = 10_000;

export function readiness(parts: ReadinessParts): Readiness {
  const { draining, availableEndpoints, threads, nowMs } = parts;
  if (draining()) return { ready: false, text: 'draining' };
  if (availableEndpoints() === 0) return { ready: false, text: 'no healthy endpoint' };
  const missing = threads().filter(({ ready, wanted }) => ready < wanted);
  const recovers = missing.some(
    ({ downSinceMs }) => downSinceMs !== null && nowMs() - downSinceMs < RECOVERY_MS,
  );
  const lines = missing.map(({ kind, ready, wanted }) => `${ready} of ${wanted} ${kind} threads`);
  return { ready: !recovers, text: [recovers ? 'recovering' : 'ok', ...lines].join('\n') };
}
