// Main's end of one event worker, from its start to its end.
import { Worker } from 'node:worker_threads';
import { ConfigError } from '../errors.js';
import type { EventCommand, EventReport, EventThreadData } from './event-messages.js';
import type { ExportCommand, ExportStep, ImportCommand } from './snapshot-messages.js';

export interface EventWorkerPort {
  send(command: EventCommand): void;
  /** Answers come in the order in which they were asked for. */
  export(step: ExportCommand['step']): Promise<ExportStep>;
  import(command: ImportCommand): Promise<string | null>;
  /** Ends when the thread has. */
  close(): Promise<void>;
}

/** A thread that is in the middle of a long batch ends after it. */
const CLOSE_DEADLINE_MS = 5_000;
const ENDED = 'the event thread has ended';

/** Ends when the thread runs; rejects with ConfigError when it cannot, such as for an address that is
 * in use. `onEnd` hears of a later end that nobody asked for, once. */
export async function startEventWorker(
  data: EventThreadData,
  onReport: (report: EventReport) => void,
  onEnd: (reason: string) => void,
): Promise<EventWorkerPort> {
  const worker = new Worker(new URL('./event-worker.js', import.meta.url), { workerData: data });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  await started(worker, onReport);
  let over = false;
  let fault: string | null = null;
  const exports = new Answers<ExportStep>();
  const imports = new Answers<string | null>();
  const endAnswers = () => {
    exports.end({ kind: 'failed', reason: ENDED });
    imports.end(ENDED);
  };
  const fail = (reason: string) => {
    if (over) return;
    over = true;
    endAnswers();
    onEnd(reason);
  };
  worker.on('message', (report: EventReport) => {
    if (report.type === 'exported') exports.next(report.step);
    else if (report.type === 'imported') imports.next(report.fault);
    else if (report.type === 'failed') fault = report.message;
    else onReport(report);
  });
  worker.on('error', (error) => {
    fault ??= error.message;
  });
  // Only now its addresses are free for the next one. An end without a fault is no less a failure.
  worker.on('exit', (code) => fail(fault ?? `the thread ended with code ${code}`));
  const send = (command: EventCommand) => worker.postMessage(command);
  return {
    send,
    export(step) {
      send({ type: 'export', step });
      return exports.expect();
    },
    import(command) {
      send(command);
      return imports.expect();
    },
    async close() {
      over = true;
      endAnswers();
      send({ type: 'close' });
      const deadline = setTimeout(() => void worker.terminate(), CLOSE_DEADLINE_MS);
      await exited;
      clearTimeout(deadline);
    },
  };
}

/** Those who wait for an answer, in the order in which they asked. */
class Answers<Answer> {
  readonly #waiting: ((answer: Answer) => void)[] = [];
  #last: { readonly answer: Answer } | null = null;

  expect(): Promise<Answer> {
    if (this.#last !== null) return Promise.resolve(this.#last.answer);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  next(answer: Answer): void {
    this.#waiting.shift()?.(answer);
  }

  /** Everybody who waits or will ask gets this one. */
  end(answer: Answer): void {
    this.#last ??= { answer };
    for (const resolve of this.#waiting.splice(0)) resolve(answer);
  }
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
