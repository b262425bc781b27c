// Why what a stream's batches have told may be wrong just now.
import type { Repair } from './stream-repair.js';

export class StreamDoubt {
  readonly #changed: () => void;
  /** Under way. */
  #repair: Repair | null = null;
  /** The connection is new, and nothing has shown that the process is not. */
  #unverified: string | null = null;

  /** `changed`: called when the reason may have changed. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** null: it is right. */
  get reason(): string | null {
    // A check of the end finds something so rarely that it casts no doubt.
    const repair = this.#repair?.cause === 'end' ? null : this.#repair;
    return repair?.reason ?? this.#unverified;
  }

  /** What is known is being read again from the start. */
  get isOfAll(): boolean {
    return this.#repair?.kind === 'full';
  }

  /** null: no repair is under way any more. */
  repair(repair: Repair | null): void {
    this.#repair = repair;
    this.#changed();
  }

  unverified(reason: string): void {
    this.#unverified = reason;
    this.#changed();
  }

  /** A replay has shown the process. The end of its repair will be told. */
  replayed(): void {
    this.#unverified = null;
  }

  /** A batch came that only the known process can have sent. */
  verified(): void {
    if (this.#unverified === null) return;
    this.#unverified = null;
    this.#changed();
  }
}
