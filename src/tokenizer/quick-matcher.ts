// Matches on the main thread: what takes less time there than handing it to a thread takes.
import { availableParallelism } from 'node:os';
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import type { RequestMatcher } from './match-request.js';
import type { MatchReply, MatchTask } from './match-task.js';
import type { TokenizerCaches } from './tokenizer-cache.js';

/** Parsing and rendering grow with the body: about 0.15 ms at 32 KB, a chat of 8k tokens. */
const BODY_BYTES_MAX = 64 * 1024;
/** Text to tokenize and hash: at most about 0.2 ms. */
const NEW_BYTES_MAX = 8 * 1024;
/** A main thread that is this busy leaves all it can to the others, if there are cores for them: on two
 * the way to a thread only adds to what is too much already. */
const BUSY = 0.85;
const HAS_SPARE_CORES = availableParallelism() > 2;
const LOOK_EVERY_MS = 100;

export class QuickMatcher {
  private readonly matcher: RequestMatcher;
  private lookedMs = Number.NEGATIVE_INFINITY;
  private looked: EventLoopUtilization = performance.eventLoopUtilization();
  private isBusy = false;

  constructor(matcher: RequestMatcher) {
    this.matcher = matcher;
  }

  /** Loads tokenizers that threads have loaded already, so that their tables are there. */
  async load(folders: Iterable<string>): Promise<void> {
    for (const folder of folders) await this.matcher.tokenizers.get(folder);
  }

  /** null: a thread shall do it. */
  match(task: MatchTask): MatchReply | null {
    if (task.body.length > BODY_BYTES_MAX || this.leavesItToThreads()) return null;
    return this.matcher.matchQuickly(task, NEW_BYTES_MAX);
  }

  caches(): TokenizerCaches {
    return this.matcher.tokenizers.caches();
  }

  private leavesItToThreads(): boolean {
    if (!HAS_SPARE_CORES) return false;
    const nowMs = performance.now();
    if (nowMs - this.lookedMs < LOOK_EVERY_MS) return this.isBusy;
    this.lookedMs = nowMs;
    const now = performance.eventLoopUtilization();
    this.isBusy = performance.eventLoopUtilization(now, this.looked).utilization > BUSY;
    this.looked = now;
    return this.isBusy;
  }
}
