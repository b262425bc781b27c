// Deadline: a signal that aborts after a time, or with another signal, and that nothing remembers once it
// has ended. AbortSignal.any does the same for a while: in Node 20 a signal that lives long, such as that
// of a poller, keeps something of each one that was made of it.

export class Deadline {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly #onParent = () => this.#controller.abort(this.#parent.reason);
  #isOver = false;

  /** Has to be ended, whatever comes of what it is for. */
  constructor(parent: AbortSignal, ms: number) {
    this.#parent = parent;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#controller.abort(new DOMException(`nothing within ${ms} ms`, 'TimeoutError'));
    }, ms);
    // As that of AbortSignal.timeout it does not keep the process alive.
    this.#timer.unref();
    if (parent.aborted) this.#onParent();
    else parent.addEventListener('abort', this.#onParent, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The time has passed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#parent.removeEventListener('abort', this.#onParent);
  }
}
