// The pool of tokenizer threads: bounded queue, a deadline for every request, one round trip each.
//
// What takes little is matched on the main thread, without a round trip. A long prompt keeps a thread
// for some time, so one lane of threads never gets any, and short ones wait for no long one.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ConfigError, RouterError } from '../errors.js';
import { log } from '../log.js';
import type {
  LoadedTokenizer,
  MatchModels,
  MatchReply,
  MatchTask,
  MatchThreadData,
  MatchThreadReport,
} from './match-task.js';
import { TokenizerLane } from './tokenizer-lane.js';

export interface TokenizerPoolOptions {
  /** null: one for every two CPUs, at least two. */
  readonly threads: number | null;
  /** Requests that may wait for a thread; one more is refused with 429. */
  readonly queueMax: number;
  /** A request without an answer by then is routed by load. */
  readonly deadlineMs: number;
  readonly indexId: number | null;
  /** Loaded before `ready()` resolves. */
  readonly models: MatchModels;
  /** Answer for a request whose deadline passed: RequestMatcher.outline, on this thread. */
  readonly outline: (task: MatchTask) => MatchReply;
  /** Answer on this thread when that takes little; null: a thread shall do it. */
  readonly quick?: (task: MatchTask, isThreadFree: boolean) => MatchReply | null;
  /** Thread entry, for tests. */
  readonly workerFile?: string;
}

export interface PoolCounts {
  /** Requests matched without a thread, and by one. */
  readonly quick: number;
  readonly threaded: number;
  readonly waiting: number;
  readonly running: number;
  readonly overdue: number;
  readonly refused: number;
}

/** The body of a long prompt: its match takes more than a millisecond even when all of it is known. */
const LONG_BODY_BYTES = 256 * 1024;
/** Share of the threads that get no long prompts. */
const RESERVED_SHARE = 1 / 4;
const RETRY_AFTER_SECONDS = 1;
const WORKER_FILE = fileURLToPath(new URL('./tokenizer-worker.js', import.meta.url));

/** How often a start looks whether the threads have loaded their models. */
const KEEP_ALIVE_MS = 30_000;

interface Entry {
  readonly task: MatchTask;
  readonly isLong: boolean;
  readonly settle: (reply: MatchReply) => void;
  deadline: NodeJS.Timeout | null;
  isSettled: boolean;
}

export class TokenizerPool {
  readonly threads: number;
  /** Tokenizer folders whose prompts can be matched without a thread; complete when ready. */
  readonly quickFolders = new Set<string>();
  private readonly options: TokenizerPoolOptions;
  /** The one for everything last. */
  private readonly lanes: readonly TokenizerLane[];
  /** First come, first served. Deadlines pass in the same order, so settled ones are in front. */
  private readonly waitingShort: Entry[] = [];
  private readonly waitingLong: Entry[] = [];
  private readonly running = new Set<Entry>();
  private readonly loaded: Promise<void>;
  /** Times a thread has ended that nobody had asked to. */
  deaths = 0;
  /** Since when no thread can answer, by performance.now(); null: some can, or none could yet. */
  downSinceMs: number | null = null;
  private quick = 0;
  private threaded = 0;
  private overdue = 0;
  private refused = 0;

  constructor(options: TokenizerPoolOptions) {
    this.options = options;
    this.threads = options.threads ?? Math.max(2, Math.floor(availableParallelism() / 2));
    const loading = this.loading();
    this.loaded = loading.loaded;
    // The caller of ready() gets the failure; until then it is not unhandled.
    this.loaded.catch(() => {});
    const { indexId, models, workerFile = WORKER_FILE } = options;
    const threadData: MatchThreadData = { indexId, models };
    const onReport = (report: MatchThreadReport) => {
      loading.onReport(report);
      this.noteThreads();
    };
    const onDeath = (reason: string) => {
      this.deaths++;
      log.error('a tokenizer thread died: another is started', { reason });
      loading.onDeath(new Error(`a tokenizer thread died while it started: ${reason}`));
      this.noteThreads();
    };
    this.lanes = laneSizes(this.threads).map(
      (threads) => new TokenizerLane({ threads, workerFile, threadData, onReport, onDeath }),
    );
  }

  /** Resolves when every thread has loaded every model; rejects with ConfigError naming the folder. */
  ready(): Promise<void> {
    return this.loaded;
  }

  get counts(): PoolCounts {
    const { quick, threaded, overdue, refused } = this;
    const running = this.running.size;
    return { quick, threaded, waiting: this.waitingCount, running, overdue, refused };
  }

  /** Threads that can answer; `threads` of them are wanted. */
  get readyThreads(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.readyThreads, 0);
  }

  /** Rejects with RouterError `queue_full`; every other outcome is a reply. */
  match(task: MatchTask): Promise<MatchReply> {
    const quick = this.options.quick?.(task, this.running.size < this.threads) ?? null;
    if (quick !== null) {
      this.quick++;
      return Promise.resolve(quick);
    }
    // They will be back, but not in time for this one.
    if (this.downSinceMs !== null) return Promise.resolve(refused('internal', 'no thread'));
    const isLong = task.body.length > LONG_BODY_BYTES;
    const lane = this.freeLane(isLong);
    if (lane === null && this.waitingCount >= this.options.queueMax) {
      this.refused++;
      const message = `${this.options.queueMax} requests already wait for the router's tokenizer`;
      const error = new RouterError('queue_full', message, {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
      return Promise.reject(error);
    }
    this.threaded++;
    return new Promise((resolve) => {
      const entry: Entry = { task, isLong, settle: resolve, deadline: null, isSettled: false };
      entry.deadline = setTimeout(() => this.giveUp(entry), this.options.deadlineMs);
      if (lane !== null) void this.run(entry, lane);
      else (isLong ? this.waitingLong : this.waitingShort).push(entry);
    });
  }

  /** Loads a tokenizer that no model has named so far, in one thread; the others find its tables there
   * when they need them. Rejects with ConfigError. */
  async load(folder: string): Promise<LoadedTokenizer> {
    const loading =
      this.lanes.at(-1)?.loadTokenizer(folder) ?? Promise.reject(new Error('no lane'));
    const loaded = await loading.catch((error: unknown) => {
      return { failure: `tokenizer ${folder} was not loaded: ${String(error)}` };
    });
    if ('failure' in loaded) throw new ConfigError(loaded.failure);
    for (const problem of loaded.problems) log.warn('chats are routed by load', { problem });
    return loaded;
  }

  /** Ends the threads; what still runs or waits is answered with `draining`. */
  async close(): Promise<void> {
    const reply = refused('draining', 'the router is shutting down');
    const open = [...this.waitingShort.splice(0), ...this.waitingLong.splice(0), ...this.running];
    for (const entry of open) settle(entry, reply);
    await Promise.all(this.lanes.map((lane) => lane.close()));
  }

  private get waitingCount(): number {
    return this.waitingShort.length + this.waitingLong.length;
  }

  /** The least loaded lane that may take such a task now. */
  private freeLane(isLong: boolean): TokenizerLane | null {
    const everything = this.lanes.at(-1);
    let best: TokenizerLane | null = null;
    for (const lane of this.lanes) {
      const isFit = lane === everything ? isLong || !this.avoids(lane) : !isLong;
      if (
        isFit &&
        lane.readyThreads > 0 &&
        !lane.isFull &&
        (best === null || lane.load < best.load)
      )
        best = lane;
    }
    return best;
  }

  /** A short task would wait there for a long one, and has another choice. */
  private avoids(lane: TokenizerLane): boolean {
    return this.lanes.length > 1 && lane.hasLong;
  }

  private noteThreads(): void {
    if (this.readyThreads > 0) this.downSinceMs = null;
    else this.downSinceMs ??= performance.now();
    // Those who waited for a lane that has threads again.
    this.runWaiting(this.waitingLong);
    this.runWaiting(this.waitingShort);
  }

  private async run(entry: Entry, lane: TokenizerLane): Promise<void> {
    this.running.add(entry);
    try {
      settle(entry, await lane.run(entry.task, entry.isLong));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      settle(entry, refused('internal', `the tokenizer thread failed: ${reason}`));
    } finally {
      this.running.delete(entry);
      this.runWaiting(this.waitingLong);
      this.runWaiting(this.waitingShort);
    }
  }

  private runWaiting(waiting: Entry[]): void {
    for (let [next] = waiting; next !== undefined; [next] = waiting) {
      const lane = this.freeLane(next.isLong);
      if (lane === null) return;
      waiting.shift();
      void this.run(next, lane);
    }
  }

  private giveUp(entry: Entry): void {
    if (entry.isSettled) return;
    this.overdue++;
    settle(entry, this.options.outline(entry.task));
    for (const waiting of [this.waitingShort, this.waitingLong]) {
      while (waiting[0]?.isSettled === true) waiting.shift();
    }
  }

  private loading(): {
    readonly loaded: Promise<void>;
    readonly onReport: (report: MatchThreadReport) => void;
    readonly onDeath: (error: Error) => void;
  } {
    const { promise, resolve, reject } = deferred();
    // Idle threads do not keep the process alive, and threads that load count as idle.
    const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
    const problems = new Set<string>();
    let loadedThreads = 0;
    const loaded = promise
      .finally(() => clearInterval(keepAlive))
      .then(() => {
        for (const problem of problems) log.warn('chats are routed by load', { problem });
      });
    const onReport = (report: MatchThreadReport) => {
      if (report.type === 'failed') {
        reject(new ConfigError(report.message));
        return;
      }
      for (const problem of report.problems) problems.add(problem);
      for (const folder of report.quickFolders) this.quickFolders.add(folder);
      loadedThreads++;
      if (loadedThreads === this.threads) resolve();
    };
    return { loaded, onReport, onDeath: reject };
  }
}

/** Threads of each lane, the one for everything last. */
function laneSizes(threads: number): readonly number[] {
  if (threads === 1) return [1];
  const reserved = Math.max(1, Math.floor(threads * RESERVED_SHARE));
  return [reserved, threads - reserved];
}

function deferred(): {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
} {
  let [resolve, reject] = [() => {}, (_: Error) => {}];
  const promise = new Promise<void>((onValue, onError) => {
    [resolve, reject] = [onValue, onError];
  });
  return { promise, resolve, reject };
}

function settle(entry: Entry, reply: MatchReply): void {
  if (entry.isSettled) return;
  entry.isSettled = true;
  if (entry.deadline !== null) clearTimeout(entry.deadline);
  entry.settle(reply);
}

function refused(code: 'draining' | 'internal', message: string): MatchReply {
  return { ok: false, code, message, param: null };
}
