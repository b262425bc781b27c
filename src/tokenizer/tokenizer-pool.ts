// The pool of tokenizer threads: bounded queue, a deadline for every request, one round trip each.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { ConfigError, RouterError } from '../errors.js';
import { log } from '../log.js';
import type {
  MatchModels,
  MatchReply,
  MatchTask,
  MatchThreadData,
  MatchThreadReport,
} from './match-task.js';
import { NO_LIMITS, type RequestLimits } from './request-limits.js';

export interface TokenizerPoolOptions {
  /** null: one for every two CPUs, at least one. */
  readonly threads: number | null;
  /** Requests that may wait for a thread; one more is refused with 429. */
  readonly queueMax: number;
  /** A request without an answer by then is routed by load. */
  readonly deadlineMs: number;
  readonly indexId: number | null;
  /** Loaded before `ready()` resolves. */
  readonly models: MatchModels;
  readonly limits?: RequestLimits;
  /** Answer for a request whose deadline passed: RequestMatcher.outline, on this thread. */
  readonly outline: (task: MatchTask) => MatchReply;
  /** Thread entry, for tests. */
  readonly workerFile?: string;
}

export interface PoolCounts {
  readonly waiting: number;
  readonly running: number;
  readonly overdue: number;
  readonly refused: number;
}

/** Tasks handed to a thread before the first is answered: hides the wake-up of a thread behind the
 * work on the task before, and lets encoding off the thread overlap. */
const TASKS_PER_THREAD = 4;
/** With `sync` a thread sleeps while it waits for the package's encoder, for ever. `async` and
 * `disabled` measure alike: 0.20 ms for an empty round trip, 0.5 ms for a chat of 8k tokens. */
const ATOMICS = 'disabled';
/** A thread that has not answered by then hangs in a template: it is replaced. */
const HANG_MS = 30_000;
const RETRY_AFTER_SECONDS = 1;
const WORKER_FILE = fileURLToPath(new URL('./tokenizer-worker.js', import.meta.url));

interface Entry {
  readonly task: MatchTask;
  readonly settle: (reply: MatchReply) => void;
  deadline: NodeJS.Timeout | null;
  isSettled: boolean;
}

export class TokenizerPool {
  readonly threads: number;
  private readonly options: TokenizerPoolOptions;
  private readonly pool: Piscina<MatchTask, MatchReply>;
  private readonly capacity: number;
  /** First come, first served. Deadlines pass in the same order, so settled ones are in front. */
  private waiting: Entry[] = [];
  private readonly running = new Set<Entry>();
  private readonly loaded: Promise<void>;
  private overdue = 0;
  private refused = 0;

  constructor(options: TokenizerPoolOptions) {
    this.options = options;
    this.threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / 2));
    this.capacity = this.threads * TASKS_PER_THREAD;
    const { indexId, models, limits = NO_LIMITS } = options;
    const threadData: MatchThreadData = { indexId, models, limits };
    this.pool = new Piscina({
      filename: options.workerFile ?? WORKER_FILE,
      minThreads: this.threads,
      maxThreads: this.threads,
      concurrentTasksPerWorker: TASKS_PER_THREAD,
      atomics: ATOMICS,
      workerData: threadData,
    });
    this.loaded = this.allLoaded();
    // The caller of ready() gets the failure; until then it is not unhandled.
    this.loaded.catch(() => {});
  }

  /** Resolves when every thread has loaded every model; rejects with ConfigError naming the folder. */
  ready(): Promise<void> {
    return this.loaded;
  }

  get counts(): PoolCounts {
    const { overdue, refused } = this;
    return { waiting: this.waiting.length, running: this.running.size, overdue, refused };
  }

  /** Rejects with RouterError `queue_full`; every other outcome is a reply. */
  match(task: MatchTask): Promise<MatchReply> {
    if (this.running.size >= this.capacity && this.waiting.length >= this.options.queueMax) {
      this.refused++;
      const message = `${this.options.queueMax} requests already wait for the router's tokenizer`;
      const error = new RouterError('queue_full', message, {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
      return Promise.reject(error);
    }
    return new Promise((resolve) => {
      const entry: Entry = { task, settle: resolve, deadline: null, isSettled: false };
      entry.deadline = setTimeout(() => this.giveUp(entry), this.options.deadlineMs);
      if (this.running.size < this.capacity) void this.run(entry);
      else this.waiting.push(entry);
    });
  }

  /** Ends the threads; what still runs or waits is answered with `draining`. */
  async close(): Promise<void> {
    const reply = refused('draining', 'the router is shutting down');
    for (const entry of [...this.waiting, ...this.running]) settle(entry, reply);
    this.waiting = [];
    await this.pool.destroy();
  }

  private async run(entry: Entry): Promise<void> {
    this.running.add(entry);
    const hang = new AbortController();
    const timer = setTimeout(() => hang.abort(), HANG_MS);
    try {
      settle(entry, await this.pool.run(compact(entry.task), { signal: hang.signal }));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      settle(entry, refused('internal', `the tokenizer thread failed: ${reason}`));
    } finally {
      clearTimeout(timer);
      this.running.delete(entry);
      this.runNext();
    }
  }

  private runNext(): void {
    while (this.running.size < this.capacity) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      void this.run(next);
    }
  }

  private giveUp(entry: Entry): void {
    if (entry.isSettled) return;
    this.overdue++;
    settle(entry, this.options.outline(entry.task));
    while (this.waiting[0]?.isSettled === true) this.waiting.shift();
  }

  private allLoaded(): Promise<void> {
    // Idle threads do not keep the process alive, and threads that load count as idle.
    const keepAlive = setInterval(() => {}, HANG_MS);
    const problems = new Set<string>();
    let loadedThreads = 0;
    const loaded = new Promise<void>((resolve, reject) => {
      // Without a listener an idle thread that dies would end the process.
      this.pool.on('error', (error: Error) => {
        log.error('a tokenizer thread died', { error: error.message });
        reject(error);
      });
      this.pool.on('message', (report: MatchThreadReport) => {
        if (report.type === 'failed') {
          reject(new ConfigError(report.message));
          return;
        }
        for (const problem of report.problems) problems.add(problem);
        loadedThreads++;
        if (loadedThreads === this.threads) resolve();
      });
    });
    return loaded
      .finally(() => clearInterval(keepAlive))
      .then(() => {
        for (const problem of problems) log.warn('chats are routed by load', { problem });
      });
  }
}

function settle(entry: Entry, reply: MatchReply): void {
  if (entry.isSettled) return;
  entry.isSettled = true;
  if (entry.deadline !== null) clearTimeout(entry.deadline);
  entry.settle(reply);
}

/** A view of a larger buffer would take all of it to the thread. */
function compact(task: MatchTask): MatchTask {
  const { body } = task;
  return body.byteLength === body.buffer.byteLength ? task : { ...task, body: body.slice() };
}

function refused(code: 'draining' | 'internal', message: string): MatchReply {
  return { ok: false, code, message, param: null };
}
