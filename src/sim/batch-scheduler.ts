// BatchScheduler: what vLLM's V1 scheduler decides in one step (BENCHMARKS.md 8).
//
// Running requests get their next token or prefill chunk first, then waiting ones are admitted in
// their order, as far as token budget, sequence limit and free blocks go. Blocks are registered at
// scheduling, so that a request sees the blocks of one scheduled before it in the same step. Left
// out of vLLM: its watermark of free blocks.
import type { BlockEventLog } from './block-events.js';
import { BlockPool } from './block-pool.js';
import type { BlockSequence } from './block-sequence.js';
import type { EngineRequest } from './engine-request.js';
import { RequestList } from './request-list.js';
import { SleepingDecoders } from './sleeping-decoders.js';
import { clearLoad, emptyLoad, type StepLoad } from './step-cost.js';

export interface SchedulerLimits {
  readonly blockSizeTokens: number;
  /** Blocks of the pool, without vLLM's null block. */
  readonly usableBlocks: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  /** vLLM caches full blocks of generated tokens. Discarding them, and using their room first, is
   * the simplification behind the reference results of BENCHMARKS.md 9. */
  readonly generatedBlocks: 'cached' | 'discarded';
}

/** Counts since the scheduler began. */
export interface SchedulerTotals {
  preemptions: number;
  promptTokens: number;
  generatedTokens: number;
  /** Tokens looked up in the prefix cache, and found, at first scheduling. */
  prefixQueryTokens: number;
  prefixHitTokens: number;
}

export class BatchScheduler<Sequence extends BlockSequence> {
  readonly pool: BlockPool;
  readonly totals: SchedulerTotals = {
    preemptions: 0,
    promptTokens: 0,
    generatedTokens: 0,
    prefixQueryTokens: 0,
    prefixHitTokens: 0,
  };
  readonly running: EngineRequest<Sequence>[] = [];
  readonly waiting: EngineRequest<Sequence>[] = [];
  /** What the last scheduled step computes. */
  readonly load: StepLoad = emptyLoad();
  /** Running requests that are looked at in the next step, in their order. */
  private readonly active = new RequestList<EngineRequest<Sequence>>();
  private readonly sleeping: SleepingDecoders<Sequence>;
  private admissions = 0;
  /** A running request was aborted since the last look. */
  private anyAborted = false;
  /** What the latest step computes; then, in `update`, those of it that got a token. */
  private readonly stepped = new RequestList<EngineRequest<Sequence>>();
  private readonly limits: SchedulerLimits;
  private readonly log: BlockEventLog<Sequence> | null;

  constructor(limits: SchedulerLimits, log: BlockEventLog<Sequence> | null) {
    this.limits = limits;
    this.log = log;
    const { blockSizeTokens, generatedBlocks } = limits;
    this.sleeping = new SleepingDecoders(blockSizeTokens, generatedBlocks === 'cached');
    this.pool = new BlockPool(limits.usableBlocks, log, limits.generatedBlocks === 'discarded');
  }

  /** Chooses what the step that begins now computes; false: nothing. */
  schedule(nowUs: number): boolean {
    clearLoad(this.load);
    this.stepped.clear();
    const preemptionsBefore = this.totals.preemptions;
    const awake = this.active.size;
    this.sleeping.wakeDue(this.active);
    if (this.active.size > awake) sortByAdmission(this.active);
    const budget = this.scheduleRunning(this.limits.maxNumBatchedTokens - this.sleeping.count);
    this.load.decodeSequences += this.sleeping.count;
    this.load.decodeContextTokens += this.sleeping.contextTokens;
    // What a preemption freed must not go to new requests at once: they would be the next victims.
    if (this.totals.preemptions === preemptionsBefore) this.admit(budget, nowUs);
    this.load.runningSequences = this.running.length;
    return this.stepped.size > 0 || this.sleeping.count > 0;
  }

  /** Requests that got a token in the step that `update` ended and were awake, in scheduling order. */
  get emitted(): RequestList<EngineRequest<Sequence>> {
    return this.stepped;
  }

  /** Ends the step. Returns how many requests got a token asleep. */
  update(nowUs: number): number {
    const { stepped } = this;
    let kept = 0;
    let anyFinished = this.anyAborted;
    const asleep = this.sleeping.count;
    this.totals.generatedTokens += asleep;
    this.sleeping.stepped(nowUs);
    for (let i = 0; i < stepped.size; i += 1) {
      const request = stepped.at(i);
      if (request.state !== 'running' || request.computedTokens < request.tokenCount) continue;
      const { sequence, tokenAt, outputTokens } = request.work;
      if (this.limits.generatedBlocks === 'cached') {
        sequence.append(tokenAt === undefined ? 0 : tokenAt(request.outputCount));
      }
      if (request.outputCount === 0) request.firstTokenUs = nowUs;
      request.outputCount += 1;
      this.totals.generatedTokens += 1;
      if (request.outputCount === outputTokens) {
        request.state = 'finished';
        request.finishedUs = nowUs;
        anyFinished = true;
      }
      stepped.set(kept, request);
      kept += 1;
    }
    stepped.cut(kept);
    if (anyFinished) this.dropEnded();
    this.putToSleep(stepped);
    return asleep;
  }

  /** The client of a running request is gone. */
  aborted(request: EngineRequest<Sequence>): void {
    this.sleeping.wake(request);
    this.anyAborted = true;
  }

  /** Frees the blocks of running requests that finished or were aborted. */
  dropEnded(): void {
    const { running } = this;
    this.anyAborted = false;
    let kept = 0;
    for (const request of running) {
      if (request.state === 'running') running[kept++] = request;
      else {
        request.blocks.release(this.pool);
        request.blocks.discard();
      }
    }
    running.length = kept;
  }

  /** Frees a running request's blocks; it will be computed anew, as the first of the queue. */
  preempt(request: EngineRequest<Sequence>): void {
    this.sleeping.wake(request);
    request.blocks.release(this.pool);
    request.computedTokens = 0;
    request.preemptions += 1;
    request.state = 'waiting';
    this.totals.preemptions += 1;
    this.waiting.unshift(request);
  }

  /** Returns what is left of the budget. */
  private scheduleRunning(tokenBudget: number): number {
    const { active, running, pool, log } = this;
    let budget = tokenBudget;
    for (let i = 0; i < active.size; i += 1) {
      const request = active.at(i);
      if (budget <= 0) break;
      // A preemption before it in this step was its own.
      if (request.state !== 'running') continue;
      const tokens = Math.min(request.tokenCount - request.computedTokens, budget);
      while (!request.blocks.reserve(pool, log, request.computedTokens + tokens, 0)) {
        const last: EngineRequest<Sequence> = running.pop() ?? request;
        this.preempt(last);
        if (last === request) return budget;
      }
      this.take(request, tokens);
      budget -= tokens;
    }
    return budget;
  }

  private admit(tokenBudget: number, nowUs: number): void {
    const { blockSizeTokens, maxNumSeqs } = this.limits;
    let budget = tokenBudget;
    while (budget > 0 && this.running.length < maxNumSeqs) {
      const request = this.waiting[0];
      if (request === undefined) break;
      const total = request.tokenCount;
      // The last token is always computed: its logits give the next one.
      const limit = request.work.skipsCacheRead ? 0 : Math.floor((total - 1) / blockSizeTokens);
      const hits = request.blocks.findHit(this.pool, limit);
      const cached = hits * blockSizeTokens;
      const tokens = Math.min(total - cached, budget);
      if (!request.blocks.reserve(this.pool, this.log, cached + tokens, hits)) break;
      this.waiting.shift();
      this.running.push(request);
      this.active.add(request);
      this.admissions += 1;
      request.admission = this.admissions;
      request.state = 'running';
      request.computedTokens = cached;
      if (request.cachedTokens < 0) this.countPrompt(request, cached, nowUs);
      this.take(request, tokens);
      budget -= tokens;
    }
  }

  /** Of the requests that have just got a token, those that need nothing else for some steps. One that
   * is computed anew after a preemption has got none: the gap before its next is its own. */
  private putToSleep(emitted: RequestList<EngineRequest<Sequence>>): void {
    const { blockSizeTokens, generatedBlocks, maxNumSeqs, maxNumBatchedTokens } = this.limits;
    // Those asleep get a token in every step: the budget must have room for all.
    const sleepy = maxNumSeqs <= maxNumBatchedTokens;
    for (let i = 0; sleepy && i < emitted.size; i += 1) {
      const request = emitted.at(i);
      const { work, computedTokens, outputCount, blocks, state } = request;
      if (state !== 'running' || work.countsTokens !== true) continue;
      const room = blocks.count * blockSizeTokens - computedTokens;
      const left = work.outputTokens - outputCount - 1;
      const full = blockSizeTokens - 1 - (computedTokens % blockSizeTokens);
      const steps = Math.min(room, left, generatedBlocks === 'cached' ? full : left);
      if (steps > 0) this.sleeping.sleep(request, steps);
    }
    const { active } = this;
    let kept = 0;
    for (let i = 0; i < active.size; i += 1) {
      const request = active.at(i);
      if (request.state === 'running' && request.wakeStep < 0) active.set(kept++, request);
    }
    active.cut(kept);
  }

  private countPrompt(request: EngineRequest<Sequence>, cached: number, nowUs: number): void {
    request.cachedTokens = cached;
    request.scheduledUs = nowUs;
    const { promptTokens, skipsCacheRead } = request.work;
    this.totals.promptTokens += promptTokens;
    if (skipsCacheRead) return;
    this.totals.prefixQueryTokens += promptTokens;
    this.totals.prefixHitTokens += cached;
  }

  /** The request's next `tokens` tokens join the step. */
  private take(request: EngineRequest<Sequence>, tokens: number): void {
    const { load } = this;
    const context = request.computedTokens;
    if (request.outputCount > 0 && request.tokenCount - context === 1) {
      load.decodeSequences += 1;
      load.decodeContextTokens += context;
    } else {
      load.prefillTokens += tokens;
      load.prefillChunks += 1;
      load.prefillLongest = Math.max(load.prefillLongest, tokens);
      load.prefillAttention += tokens * (context + tokens / 2);
    }
    request.computedTokens = context + tokens;
    this.stepped.add(request);
  }
}

/** Short and nearly in order. */
function sortByAdmission(requests: RequestList<EngineRequest>): void {
  for (let i = 1; i < requests.size; i += 1) {
    const request = requests.at(i);
    let at = i;
    for (; at > 0 && requests.at(at - 1).admission >= request.admission; at -= 1) {
      requests.set(at, requests.at(at - 1));
    }
    requests.set(at, request);
  }
}
