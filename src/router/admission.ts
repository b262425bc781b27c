// Admission: how many requests of a model may be at its engines, and who waits for a place.
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import { FairQueue, type QueueEntry } from './fair-queue.js';
import { notesOf } from './request-notes.js';

export interface AdmissionOptions {
  /** Requests of one model at its engines at once. */
  readonly inflightMax: number;
  /** Requests of one model that wait for that; one more is refused. */
  readonly waitingMax: number;
  /** The longest wait. */
  readonly waitMs: number;
  readonly nowMs: () => number;
  /** Told whenever the number of waiting requests of a model changes. */
  readonly onWaiting: (model: string, count: number) => void;
}

/** Gives the place back. */
export type Leave = () => void;

interface Waiter extends QueueEntry {
  readonly admit: () => void;
}

interface Lane {
  readonly model: string;
  inflight: number;
  readonly queue: FairQueue<Waiter>;
  /** Average time between two places given back; null: none was yet. */
  paceMs: number | null;
  leftAtMs: number;
}

/** vLLM's header; lower is earlier. It comes before the `priority` of the body. */
const PRIORITY_HEADER = 'x-vllm-priority';
/** Of a request that says nothing. */
const USUAL_PRIORITY = 0;
const RETRY_AFTER_MAX_SECONDS = 60;
/** Weight of the newest value in an average: some ten of them count. */
const PACE_WEIGHT = 0.1;

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #lanes = new Map<string, Lane>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** `priority` is the body's. Resolves when the request may go to an engine. Rejects with RouterError `queue_full`,
   * `queue_timeout`, or `client_closed` when the client did not wait. */
  enter(exchange: Exchange, model: string, priority = USUAL_PRIORITY): Promise<Leave> {
    const lane = this.#lane(model);
    if (lane.inflight < this.#options.inflightMax) {
      lane.inflight += 1;
      return Promise.resolve(this.#leaveOnce(lane));
    }
    const { waitingMax } = this.#options;
    if (lane.queue.size >= waitingMax) {
      const text = `${waitingMax} requests already wait for an engine of this model`;
      return Promise.reject(refusal('queue_full', text, lane));
    }
    return this.#wait(exchange, lane, priority);
  }

  #wait(exchange: Exchange, lane: Lane, priority: number): Promise<Leave> {
    const { waitMs, onWaiting } = this.#options;
    return new Promise((resolve, reject) => {
      const giveUp = (error: RouterError) => {
        clearTimeout(timer);
        lane.queue.remove(waiter);
        onWaiting(lane.model, lane.queue.size);
        reject(error);
      };
      const waiter: Waiter = {
        owner: ownerOf(exchange),
        priority: priorityOf(exchange) ?? priority,
        admit: () => {
          clearTimeout(timer);
          resolve(this.#leaveOnce(lane));
        },
      };
      const timer = setTimeout(() => {
        const text = `no engine of this model had a place within ${waitMs} ms`;
        giveUp(refusal('queue_timeout', text, lane));
      }, waitMs);
      lane.queue.push(waiter);
      onWaiting(lane.model, lane.queue.size);
      exchange.onAbort(() => giveUp(new RouterError('client_closed', 'the client left the queue')));
    });
  }

  /** The place goes to the next who waits, without becoming free in between. */
  #leaveOnce(lane: Lane): Leave {
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#note(lane);
      const next = lane.queue.shift();
      if (next === undefined) lane.inflight -= 1;
      else {
        this.#options.onWaiting(lane.model, lane.queue.size);
        next.admit();
      }
    };
  }

  #note(lane: Lane): void {
    const now = this.#options.nowMs();
    const passed = now - lane.leftAtMs;
    lane.leftAtMs = now;
    lane.paceMs =
      lane.paceMs === null ? passed : lane.paceMs * (1 - PACE_WEIGHT) + passed * PACE_WEIGHT;
  }

  #lane(model: string): Lane {
    let lane = this.#lanes.get(model);
    if (lane === undefined) {
      const leftAtMs = this.#options.nowMs();
      lane = { model, inflight: 0, queue: new FairQueue(), paceMs: null, leftAtMs };
      this.#lanes.set(model, lane);
    }
    return lane;
  }
}

/** Clients share places by their key, whatever header it comes in. */
function ownerOf(exchange: Exchange): string {
  const { keyName } = notesOf(exchange);
  return keyName ?? exchange.header('authorization') ?? exchange.header('x-api-key') ?? '';
}

/** null: it is not said. What is no integer counts as that, as in vLLM. */
function priorityOf(exchange: Exchange): number | null {
  const said = exchange.header(PRIORITY_HEADER)?.trim() ?? '';
  return /^[-+]?\d{1,9}$/.test(said) ? Number(said) : null;
}

/** Those who come back later should find that those in front of them are through. */
function refusal(code: 'queue_full' | 'queue_timeout', text: string, lane: Lane): RouterError {
  const seconds = Math.ceil((lane.queue.size * (lane.paceMs ?? 0)) / 1000);
  const retryAfterSeconds = Math.min(RETRY_AFTER_MAX_SECONDS, Math.max(1, seconds));
  return new RouterError(code, text, { retryAfterSeconds });
}
