// Threads of the tokenizer pool that take the same kinds of task.
import { Piscina } from 'piscina';
import { log } from '../log.js';
import type {
  LoadedTokenizer,
  MatchReply,
  MatchTask,
  MatchThreadData,
  MatchThreadReport,
} from './match-task.js';

/** Tasks handed to a thread before the first is answered: hides the wake-up of a thread behind the
 * work on the task before, and lets encoding off the thread overlap. */
const TASKS_PER_THREAD = 4;
/** With `sync` a thread sleeps while it waits for the package's encoder, for ever. `async` and
 * `disabled` measure alike: 0.20 ms for an empty round trip, 0.5 ms for a chat of 8k tokens. */
const ATOMICS = 'disabled';
/** A thread that has not answered by then hangs in a template: it is replaced. */
const HANG_MS = 30_000;

export interface LaneParts {
  readonly threads: number;
  readonly workerFile: string;
  readonly threadData: MatchThreadData;
  readonly onReport: (report: MatchThreadReport) => void;
  readonly onDeath: (error: Error) => void;
}

export class TokenizerLane {
  readonly capacity: number;
  private readonly threads: number;
  private readonly pool: Piscina;
  private runningTasks = 0;
  private longTasks = 0;

  constructor({ threads, workerFile, threadData, onReport, onDeath }: LaneParts) {
    this.threads = threads;
    this.capacity = threads * TASKS_PER_THREAD;
    this.pool = new Piscina({
      filename: workerFile,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: TASKS_PER_THREAD,
      atomics: ATOMICS,
      workerData: threadData,
    });
    // Without a listener an idle thread that dies would end the process.
    this.pool.on('error', (error: Error) => {
      log.error('a tokenizer thread died', { error: error.message });
      onDeath(error);
    });
    this.pool.on('message', onReport);
  }

  get isFull(): boolean {
    return this.runningTasks >= this.capacity;
  }

  /** Some task here will take long. */
  get hasLong(): boolean {
    return this.longTasks > 0;
  }

  /** Tasks for each thread. */
  get load(): number {
    return this.runningTasks / this.threads;
  }

  /** Rejects when the thread fails or hangs. REQUIRES: not full. */
  async run(task: MatchTask, isLong: boolean): Promise<MatchReply> {
    this.runningTasks++;
    if (isLong) this.longTasks++;
    const hang = new AbortController();
    const timer = setTimeout(() => hang.abort(), HANG_MS);
    // The caller goes on to forward the body, whatever becomes of the thread, so the thread gets a
    // copy: one memcpy, where a message that is not transferred takes several.
    const body = task.body.slice();
    const options = { signal: hang.signal, transferList: [body.buffer] };
    try {
      return await this.pool.run({ ...task, body }, options);
    } finally {
      clearTimeout(timer);
      this.runningTasks--;
      if (isLong) this.longTasks--;
    }
  }

  /** Rejects when the thread fails. */
  loadTokenizer(folder: string): Promise<LoadedTokenizer | { readonly failure: string }> {
    return this.pool.run(folder, { name: 'load' });
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }
}
