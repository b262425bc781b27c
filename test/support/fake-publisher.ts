// A publisher without sockets: numbered batches, a bounded history, a replay that tests can break.
// A batch is `ts` where vLLM puts it, then +id or -id: a block stored or removed.
import { setImmediate } from 'node:timers/promises';
import type { ReplayService } from '../../src/events/stream-repair.js';

export interface Published {
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export type ReplayFault = 'none' | 'silent' | 'breaks off' | 'loses some' | 'doubles' | 'reverses';

export class FakePublisher implements ReplayService {
  /** Blocks the engine holds. */
  readonly truth = new Set<number>();
  requests = 0;
  fault: ReplayFault = 'none';
  readonly #historyMax: number;
  readonly #random: () => number;
  #history: Published[] = [];
  #next = 0;
  #ts = 1_000_000;

  constructor(random: () => number = Math.random, historyMax = 1000) {
    this.#random = random;
    this.#historyMax = historyMax;
  }

  store(id: number): Published {
    this.truth.add(id);
    return this.#publish(id);
  }

  remove(id: number): Published {
    this.truth.delete(id);
    return this.#publish(-id);
  }

  /** A new process: nothing held, nothing to replay, numbers from 0. */
  restart(): void {
    this.truth.clear();
    this.#history = [];
    this.#next = 0;
  }

  async turn(): Promise<() => void> {
    await setImmediate();
    return () => undefined;
  }

  async request(
    start: number,
    offer: (sequence: number, payload: Uint8Array) => boolean,
  ): Promise<'complete' | 'failed'> {
    this.requests += 1;
    await setImmediate();
    if (this.fault === 'silent') return 'failed';
    const replies = this.#history.filter(({ sequence }) => sequence >= start);
    if (this.fault === 'reverses') replies.reverse();
    for (const [i, { sequence, payload }] of replies.entries()) {
      if (this.fault === 'breaks off' && i > replies.length / 2) return 'failed';
      if (this.fault === 'loses some' && this.#random() < 0.3) continue;
      if (!offer(sequence, payload)) return 'complete';
      if (this.fault === 'doubles' && !offer(sequence, payload)) return 'complete';
      if (i % 4 === 3) await setImmediate();
    }
    return 'complete';
  }

  #publish(change: number): Published {
    this.#ts += 0.001;
    const payload = Buffer.alloc(14);
    payload.set([0x93, 0xcb]);
    payload.writeDoubleBE(this.#ts, 2);
    payload.writeInt32BE(change, 10);
    const message = { sequence: this.#next, payload };
    this.#next += 1;
    this.#history.push(message);
    if (this.#history.length > this.#historyMax) this.#history.shift();
    return message;
  }
}

/** The block that a batch stores (positive) or removes (negative). */
export function changeOf(payload: Uint8Array): number {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length).readInt32BE(10);
}
