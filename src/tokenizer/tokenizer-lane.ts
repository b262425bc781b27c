// Threads of the tokenizer pool that take the same kinds of task.
import { Piscina } from 'piscina';
import { BodySlabs } from './body-slabs.js';
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
/** A tokenizer takes half a second, on a busy machine some seconds. */
const LOAD_MS = 60_000;
/** Threads that end as soon as they start must not keep a core busy. */
const FIRST_REST_MS = 500;
const LONGEST_REST_MS = 30_000;

export interface LaneParts {
  readonly threads: number;
  readonly workerFile: string;
  readonly threadData: MatchThreadData;
  readonly onReport: (report: MatchThreadReport) => void;
  /** A thread has ended; another is started. */
  readonly onDeath: (reason: string) => void;
}

export class TokenizerLane {
  readonly capacity: number;
  private readonly parts: LaneParts;
  private readonly slabs: BodySlabs;
  private pool: Piscina;
  private runningTasks = 0;
  private longTasks = 0;
  /** Threads that have loaded their models, by their ids. */
  private loaded = new Set<number>();
  private failures = 0;
  /** Of the death that is about to be told. */
  private reason = 'it ended';
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(parts: LaneParts) {
    this.parts = parts;
    this.capacity = parts.threads * TASKS_PER_THREAD;
    this.slabs = new BodySlabs(this.capacity);
    this.pool = this.open();
  }

  /** Threads that can answer. */
  get readyThreads(): number {
    return this.loaded.size;
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
    return this.runningTasks / this.parts.threads;
  }

  /** Rejects when the thread fails or hangs. REQUIRES: not full. */
  async run(task: MatchTask, isLong: boolean): Promise<MatchReply> {
    this.runningTasks++;
    if (isLong) this.longTasks++;
    const hang = new AbortController();
    const timer = setTimeout(() => hang.abort(), HANG_MS);
    // The caller goes on to forward the body, whatever becomes of the thread, so the thread gets a
    // copy: one memcpy, where a message that is neither shared nor transferred takes several.
    const slab = this.slabs.lend(task.body);
    const { body, transferList } =
      slab === null ? moved(task.body) : { body: slab, transferList: [] };
    try {
      const reply = await this.pool.run({ ...task, body }, { signal: hang.signal, transferList });
      // Not when the thread has failed: it may still be reading.
      if (slab !== null) this.slabs.giveBack(slab);
      return reply;
    } finally {
      clearTimeout(timer);
      this.runningTasks--;
      if (isLong) this.longTasks--;
    }
  }

  /** Rejects when the thread fails or hangs. */
  loadTokenizer(folder: string): Promise<LoadedTokenizer | { readonly failure: string }> {
    return this.pool.run(folder, { name: 'load', signal: AbortSignal.timeout(LOAD_MS) });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.pool.destroy();
  }

  private open(): Piscina {
    const { threads, workerFile, threadData, onReport } = this.parts;
    const pool = new Piscina({
      filename: workerFile,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: TASKS_PER_THREAD,
      atomics: ATOMICS,
      workerData: threadData,
    });
    // Without a listener an idle thread that dies would end the process.
    pool.on('error', (error: Error) => {
      this.reason = error.message;
    });
    pool.on('message', (report: MatchThreadReport) => {
      if (report.type === 'loaded') this.loaded.add(report.threadId);
      this.failures = 0;
      onReport(report);
    });
    // Told before the pool has taken it off its list.
    pool.on('workerDestroy', () => queueMicrotask(() => this.lost(pool)));
    return pool;
  }

  /** The pool replaces a thread that ends, unless one ends before it is ready: then it never starts
   * another. */
  private lost(pool: Piscina): void {
    if (this.closed || pool !== this.pool) return;
    const ids = new Set(pool.threads.map(({ threadId }) => threadId));
    this.loaded = new Set([...this.loaded].filter((id) => ids.has(id)));
    this.parts.onDeath(this.reason);
    this.reason = 'it ended';
    if (pool.threads.length >= this.parts.threads) return;
    const restMs = Math.min(FIRST_REST_MS * 2 ** this.failures, LONGEST_REST_MS);
    this.failures += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.replace(), restMs);
  }

  private replace(): void {
    const old = this.pool;
    this.loaded = new Set();
    this.pool = this.open();
    // What waits there is answered with a failure.
    void old.destroy();
  }
}

function moved(body: Uint8Array): {
  readonly body: Uint8Array;
  readonly transferList: ArrayBuffer[];
} {
  const copy = body.slice();
  return { body: copy, transferList: [copy.buffer] };
}
