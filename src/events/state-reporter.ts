// Collects endpoint states for main: what matters to decisions at once, counters as room allows.

/** At most one report in this time. */
export const REPORT_INTERVAL_MS = 100;
/** Reports that may be sent before the time is over, because an endpoint is trusted less: a decision
 * should not rest on what is known to be wrong. */
const EARLY_REPORTS = 10;
/** Counters alone change with every message; a report carries those of so many endpoints. */
const COUNTERS_PER_REPORT = 64;

/** What has changed about an endpoint: it is trusted less; its trust, settings or connection are others;
 * it has only counted on. */
export type News = 'doubt' | 'state' | 'counters';

export class StateReporter<Key> {
  readonly #urgent = new Set<Key>();
  readonly #counters = new Set<Key>();
  readonly #send: (keys: readonly Key[]) => void;
  #timer: NodeJS.Timeout | null = null;
  #scheduled = false;
  #earlyReports = 0;

  constructor(send: (keys: readonly Key[]) => void) {
    this.#send = send;
  }

  mark(key: Key, news: News): void {
    if (news !== 'counters') this.#urgent.add(key);
    else if (!this.#counters.has(key)) this.#counters.add(key);
    else return;
    if (this.#scheduled) return;
    if (this.#timer !== null) {
      if (news !== 'doubt' || this.#earlyReports >= EARLY_REPORTS) return;
      this.#earlyReports += 1;
    }
    // It goes out at once, but after the change that is under way.
    this.#scheduled = true;
    queueMicrotask(() => this.#flush());
  }

  forget(key: Key): void {
    this.#urgent.delete(key);
    this.#counters.delete(key);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#urgent.clear();
    this.#counters.clear();
  }

  #flush(): void {
    this.#scheduled = false;
    const keys = [...this.#urgent];
    for (const key of keys) this.#counters.delete(key);
    this.#urgent.clear();
    for (const key of this.#counters) {
      if (keys.length >= COUNTERS_PER_REPORT) break;
      keys.push(key);
      this.#counters.delete(key);
    }
    if (keys.length === 0) return;
    this.#send(keys);
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#earlyReports = 0;
      this.#flush();
    }, REPORT_INTERVAL_MS);
    this.#timer.unref();
  }
}
