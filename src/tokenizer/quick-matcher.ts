// Matches on the main thread: what takes less time there than handing it to a thread takes.
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import type { RequestMatcher } from './match-request.js';
import type { MatchReply, MatchTask } from './match-task.js';
import { SeenBodies } from './seen-bodies.js';
import type { TokenizerCaches } from './tokenizer-cache.js';

/** Parsing and rendering grow with the body: about 0.15 ms at 32 KB, a chat of 8k tokens. */
const BODY_BYTES_MAX = 64 * 1024;
/** Text to tokenize and hash: at most about 0.2 ms. */
const NEW_BYTES_MAX = 8 * 1024;
/** A main thread that is this busy leaves all it can to the threads, as long as they have time: it then
 * takes a quarter less of its time, though the request a fifth more in all. A thread that has other
 * work would only let the request wait, and in the end go without a match. */
const BUSY = 0.85;
const LOOK_EVERY_MS = 100;

export class QuickMatcher {
  private readonly matcher: RequestMatcher;
  private readonly seen = new SeenBodies();
  private lookedMs = Number.NEGATIVE_INFINITY;
  private looked: EventLoopUtilization = performance.eventLoopUtilization();
  private isBusy = false;
  private hasTokenizers = false;

  constructor(matcher: RequestMatcher) {
    this.matcher = matcher;
  }

  /** Loads tokenizers that threads have loaded already, so that their tables are there. */
  async load(folders: Iterable<string>): Promise<void> {
    for (const folder of folders) {
      await this.matcher.tokenizers.get(folder);
      this.hasTokenizers = true;
    }
  }

  /** null: a thread shall do it. `isThreadFree`: one would begin at once. */
  match(task: MatchTask, isThreadFree: boolean): MatchReply | null {
    if (!this.hasTokenizers || task.body.length > BODY_BYTES_MAX) return null;
    // Before it is parsed here, and in a thread again.
    if (this.seen.newBytes(task.body) > NEW_BYTES_MAX) return null;
    if (isThreadFree && this.isMainBusy()) return null;
    return this.matcher.matchQuickly(task, NEW_BYTES_MAX);
  }

  caches(): TokenizerCaches {
    return this.matcher.tokenizers.caches();
  }

  private isMainBusy(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.lookedMs < LOOK_EVERY_MS) return this.isBusy;
    this.lookedMs = nowMs;
    const now = performance.eventLoopUtilization();
    this.isBusy = performance.eventLoopUtilization(now, this.looked).utilization > BUSY;
    this.looked = now;
    return this.isBusy;
  }
}
