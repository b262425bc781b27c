// Main's end of the event thread.
import { Worker } from 'node:worker_threads';
import type { EndpointSlot } from '../endpoint/endpoint.js';
import { ConfigError } from '../errors.js';
import type { EventCommand, EventReport, EventSource, EventThreadData } from './event-messages.js';

export interface EventThread {
  add(source: EventSource): void;
  /** The endpoint's blocks are gone from the index once `removed` is reported. */
  remove(slot: EndpointSlot): void;
  /** The engine dropped its blocks in a way it will not announce by itself in time. */
  clear(slot: EndpointSlot, reason: string, everywhere: boolean): void;
  /** The engine's process began then, unix time in seconds: what it told before holds no more. */
  started(slot: EndpointSlot, startedAt: number): void;
  /** Ends when the thread has. */
  close(): Promise<void>;
}

/** A thread that is in the middle of a long batch ends after it. */
const CLOSE_DEADLINE_MS = 5_000;

/** Ends when the thread runs; rejects with ConfigError when it cannot, such as for an address that is
 * in use. A later death is reported as `failed`. */
export async function startEventThread(
  data: EventThreadData,
  onReport: (report: EventReport) => void,
): Promise<EventThread> {
  const worker = new Worker(new URL('./event-worker.js', import.meta.url), { workerData: data });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  await started(worker, onReport);
  let over = false;
  const fail = (message: string) => {
    if (!over) onReport({ type: 'failed', message });
    over = true;
  };
  worker.on('message', onReport);
  // An error comes first and ends the thread; an end without one is no less a failure.
  worker.on('error', (error) => fail(error.message));
  worker.on('exit', (code) => fail(`the thread ended with code ${code}`));
  const send = (command: EventCommand) => worker.postMessage(command);
  return {
    add: (source) => send({ type: 'add', source }),
    remove: (slot) => send({ type: 'remove', slot }),
    clear: (slot, reason, everywhere) => send({ type: 'clear', slot, reason, everywhere }),
    started: (slot, startedAt) => send({ type: 'started', slot, startedAt }),
    async close() {
      over = true;
      send({ type: 'close' });
      const deadline = setTimeout(() => void worker.terminate(), CLOSE_DEADLINE_MS);
      await exited;
      clearTimeout(deadline);
    },
  };
}

async function started(worker: Worker, onReport: (report: EventReport) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = (error: Error | null) => {
      worker.off('message', onMessage);
      worker.off('error', settle);
      worker.off('exit', onExit);
      if (error === null) resolve();
      else reject(new ConfigError(error.message));
    };
    const onMessage = (report: EventReport) => {
      onReport(report);
      if (report.type === 'ready') settle(null);
    };
    const onExit = (code: number) => settle(new Error(`the event thread ended with code ${code}`));
    worker.on('message', onMessage);
    worker.on('error', settle);
    worker.on('exit', onExit);
  });
}
