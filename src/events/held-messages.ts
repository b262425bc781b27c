// Live messages that wait, in order, while an endpoint's stream is being repaired.

export interface HeldMessage {
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** Bytes held for all endpoints together: a repair of the whole fleet must not exhaust memory. */
export class HeldBudget {
  #free: number;

  constructor(bytesMax = 256 * 1024 * 1024) {
    this.#free = bytesMax;
  }

  take(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#free += bytes;
  }
}

/** vLLM's own replay buffer keeps 10,000 batches; a repair that takes longer has failed anyway. */
const MESSAGES_MAX = 10_000;

export class HeldMessages {
  readonly #budget: HeldBudget;
  #queue: HeldMessage[] = [];
  #head = 0;

  constructor(budget: HeldBudget) {
    this.#budget = budget;
  }

  get size(): number {
    return this.#queue.length - this.#head;
  }

  /** False when there is no room: the message is dropped, and shows as a gap after the repair. */
  push(message: HeldMessage): boolean {
    if (this.size >= MESSAGES_MAX || !this.#budget.take(message.payload.length)) return false;
    this.#queue.push(message);
    return true;
  }

  first(): HeldMessage | undefined {
    return this.#queue[this.#head];
  }

  dropFirst(): void {
    const message = this.first();
    if (message === undefined) return;
    this.#budget.giveBack(message.payload.length);
    this.#head += 1;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
  }

  clear(): void {
    while (this.size > 0) this.dropFirst();
  }
}
