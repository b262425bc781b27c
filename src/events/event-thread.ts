// The event thread as the rest of the router knows it: started again whenever it dies.
//
// What a thread knows of streams and keys dies with it, so the next one forgets the blocks of all its
// endpoints and learns them anew, from the engines' replay where they have one. Until then they count
// for nothing, which costs hits and never correctness.
import type { EndpointSlot } from '../endpoint/endpoint.js';
import type { EventCommand, EventReport, EventSource, EventThreadData } from './event-messages.js';
import { type EventWorkerPort, startEventWorker } from './event-worker-port.js';
import type { ExportCommand, ExportStep, ImportCommand } from './snapshot-messages.js';

export interface EventThread {
  add(source: EventSource): void;
  /** The endpoint's blocks are gone from the index once `removed` is reported. */
  remove(slot: EndpointSlot): void;
  /** The engine dropped its blocks in a way it will not announce by itself in time. */
  clear(slot: EndpointSlot, reason: string, everywhere: boolean): void;
  /** The engine's process began then, unix time in seconds: what it told before holds no more. */
  started(slot: EndpointSlot, startedAt: number): void;
  /** One step of writing the index down; steps are answered in order. */
  export(step: ExportCommand['step']): Promise<ExportStep>;
  /** One step of taking a snapshot in; why it cannot go on, or null. */
  import(command: ImportCommand): Promise<string | null>;
  /** Since when it has not been running, by performance.now(); null: it runs. */
  readonly downSinceMs: number | null;
  /** Times it has died. */
  readonly deaths: number;
  /** Ends when the thread has. */
  close(): Promise<void>;
}

/** A first death is repaired at once; one that comes again and again must not keep a core busy. */
const FIRST_REST_MS = 1000;
const LONGEST_REST_MS = 30_000;
/** Whoever has lived for this long dies for the first time. */
const LIVED_MS = 60_000;
const DOWN = 'the event thread is down';

/** Ends when the thread runs; rejects with ConfigError when it cannot, such as for an address that is
 * in use. A later death is reported as `failed`, and followed by another `ready`. */
export async function startEventThread(
  data: EventThreadData,
  onReport: (report: EventReport) => void,
): Promise<EventThread> {
  const thread = new KeptEventThread(data, onReport);
  await thread.start();
  return thread;
}

class KeptEventThread implements EventThread {
  #data: EventThreadData;
  readonly #onReport: (report: EventReport) => void;
  #worker: EventWorkerPort | null = null;
  readonly #sources = new Map<EndpointSlot, EventSource>();
  /** Removed, and not yet reported as such. */
  readonly #leaving = new Map<EndpointSlot, EventSource>();
  #timer: NodeJS.Timeout | undefined;
  #startedMs = 0;
  #failures = 0;
  #closed = false;
  downSinceMs: number | null = null;
  deaths = 0;

  constructor(data: EventThreadData, onReport: (report: EventReport) => void) {
    this.#data = data;
    this.#onReport = onReport;
  }

  async start(): Promise<void> {
    const worker = await startEventWorker(
      this.#data,
      (report) => this.#hear(report),
      (reason) => this.#died(reason),
    );
    this.#worker = worker;
    this.#startedMs = performance.now();
    if (this.#closed) await worker.close();
  }

  add(source: EventSource): void {
    this.#sources.set(source.slot, source);
    this.#leaving.delete(source.slot);
    this.#send({ type: 'add', source });
  }

  remove(slot: EndpointSlot): void {
    const source = this.#sources.get(slot);
    if (source === undefined) return;
    this.#sources.delete(slot);
    this.#leaving.set(slot, source);
    this.#send({ type: 'remove', slot });
  }

  clear(slot: EndpointSlot, reason: string, everywhere: boolean): void {
    this.#send({ type: 'clear', slot, reason, everywhere });
  }

  started(slot: EndpointSlot, startedAt: number): void {
    this.#send({ type: 'started', slot, startedAt });
  }

  async export(step: ExportCommand['step']): Promise<ExportStep> {
    return this.#worker?.export(step) ?? { kind: 'failed', reason: DOWN };
  }

  async import(command: ImportCommand): Promise<string | null> {
    return this.#worker === null ? DOWN : this.#worker.import(command);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#worker?.close();
  }

  /** While the thread is down nothing is lost: the next one gets what then holds. */
  #send(command: EventCommand): void {
    this.#worker?.send(command);
  }

  #hear(report: EventReport): void {
    if (report.type === 'removed') this.#leaving.delete(report.slot);
    // Engines look for the next thread where they found the first.
    if (report.type === 'ready' && report.boundTo !== null) {
      this.#data = { ...this.#data, bind: report.boundTo };
    }
    this.#onReport(report);
  }

  #died(reason: string): void {
    const nowMs = performance.now();
    this.#worker = null;
    this.deaths += 1;
    this.downSinceMs ??= nowMs;
    if (nowMs - this.#startedMs > LIVED_MS) this.#failures = 0;
    this.#onReport({ type: 'failed', message: reason });
    this.#startAgainLater();
  }

  #startAgainLater(): void {
    const restMs = this.#failures === 0 ? 0 : FIRST_REST_MS * 2 ** (this.#failures - 1);
    this.#failures += 1;
    this.#timer = setTimeout(() => void this.#startAgain(), Math.min(restMs, LONGEST_REST_MS));
  }

  /** Never rejects. */
  async #startAgain(): Promise<void> {
    const slots = [...this.#sources.keys(), ...this.#leaving.keys()];
    this.#data = { ...this.#data, inherited: slots };
    try {
      await this.start();
    } catch (failure) {
      if (this.#closed) return;
      this.#onReport({ type: 'failed', message: String(failure) });
      this.#startAgainLater();
      return;
    }
    if (this.#closed) return;
    this.downSinceMs = null;
    for (const { slot, epoch } of [...this.#leaving.values()]) {
      this.#hear({ type: 'removed', slot, epoch });
    }
    for (const source of this.#sources.values()) this.#send({ type: 'add', source });
  }
}
