// Collects endpoint states for main: what matters to decisions at once, counters as room allows.

/** At most one report in this time. */
export const REPORT_INTERVAL_MS = 100;
/** Counters alone change with every message; a report carries those of so many endpoints. */
const COUNTERS_PER_REPORT = 64;

export class StateReporter<Key> {
  readonly #urgent = new Set<Key>();
  readonly #counters = new Set<Key>();
  readonly #send: (keys: readonly Key[]) => void;
  #timer: NodeJS.Timeout | null = null;
  #scheduled = false;

  constructor(send: (keys: readonly Key[]) => void) {
    this.#send = send;
  }

  /** `urgent`: trust, settings or connection have changed, not only counters. */
  mark(key: Key, urgent: boolean): void {
    if (urgent) this.#urgent.add(key);
    else if (!this.#counters.has(key)) this.#counters.add(key);
    else return;
    if (this.#timer !== null || this.#scheduled) return;
    // The first one goes out at once, but after the change that is under way.
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
    this.#timer = null;
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
    this.#timer = setTimeout(() => this.#flush(), REPORT_INTERVAL_MS);
    this.#timer.unref();
  }
}
