// What the log says of one endpoint's blocks: seldom, because whoever reaches the event socket could
// fill the disk otherwise.
import { log } from '../log.js';

/** At most one line about forgotten blocks in this time. */
const FORGOTTEN_MS = 1_000;

export class BlocksLog {
  readonly #endpoint: string;
  readonly #nowMs: () => number;
  #forgottenMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;

  constructor(endpoint: string, nowMs: () => number) {
    this.#endpoint = endpoint;
    this.#nowMs = nowMs;
  }

  forgotten(reason: string): void {
    if (this.#nowMs() - this.#forgottenMs < FORGOTTEN_MS) return;
    this.#forgottenMs = this.#nowMs();
    log.info('blocks of an endpoint forgotten', { endpoint: this.#endpoint, reason });
  }

  unreadable(reason: string): void {
    log.debug('event batch not readable', { endpoint: this.#endpoint, reason });
  }

  /** Said once: what breaks one event breaks many. */
  failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (!this.#hasFailed) log.error('event not applied', { endpoint: this.#endpoint, reason });
    this.#hasFailed = true;
  }
}
