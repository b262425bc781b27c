// Engine: scheduler steps in time. It asks its clock, so it does not know whether a second takes one.
//
// A step is scheduled when it begins; its tokens and events come out when it ends, and the next one
// begins at once. Left out of vLLM: the overlap of scheduling with computing.
import { BatchScheduler, type SchedulerLimits, type SchedulerTotals } from './batch-scheduler.js';
import { type BlockEvent, BlockEventLog } from './block-events.js';
import type { BlockSequence } from './block-sequence.js';
import type { Clock } from './clock.js';
import { EngineRequest, type RequestListener, type Work } from './engine-request.js';
import type { StepCost } from './step-cost.js';

export interface EngineOptions extends SchedulerLimits {
  readonly cost: StepCost;
  /** Front-end time before a request can be scheduled. */
  readonly arrivalUs: number;
}

/** Counts since the engine began; a restart sets those of the scheduler to 0. */
export interface EngineTotals extends SchedulerTotals {
  readonly steps: number;
  /** Time in steps. */
  readonly busyUs: number;
}

export class Engine<Sequence extends BlockSequence = BlockSequence> {
  readonly options: EngineOptions;
  private readonly clock: Clock;
  private readonly log: BlockEventLog<Sequence> | null;
  private readonly onEvents: ((events: readonly BlockEvent<Sequence>[]) => void) | null;
  private readonly onGaps: ((gapUs: number, tokens: number) => void) | null;
  /** End of the latest step. */
  private lastEndUs = 0;
  private scheduler: BatchScheduler<Sequence>;
  private readonly arriving = new Set<EngineRequest<Sequence>>();
  private steps = 0;
  private busyUs = 0;
  private stepping = false;
  private paused = false;
  /** Grows with every restart: what was due before is void. */
  private life = 0;
  private stepEndUs = 0;
  private onStepEnd = this.stepEnder();

  /** `onEvents` gets what happened in the pool, once a step; `onGaps` how many tokens came how long after
   * the one before, of work that counts tokens; null: nobody listens. */
  constructor(
    options: EngineOptions,
    clock: Clock,
    onEvents: ((events: readonly BlockEvent<Sequence>[]) => void) | null = null,
    onGaps: ((gapUs: number, tokens: number) => void) | null = null,
  ) {
    this.options = options;
    this.clock = clock;
    this.onEvents = onEvents;
    this.onGaps = onGaps;
    this.log = onEvents === null ? null : new BlockEventLog();
    this.scheduler = new BatchScheduler(options, this.log);
  }

  get waitingRequests(): number {
    return this.scheduler.waiting.length;
  }

  get runningRequests(): number {
    return this.scheduler.running.length;
  }

  /** Share of blocks in use, 0 to 1. */
  get cacheUsage(): number {
    const { usedBlocks, usableBlocks } = this.scheduler.pool;
    return usedBlocks / usableBlocks;
  }

  get totals(): EngineTotals {
    return { ...this.scheduler.totals, steps: this.steps, busyUs: this.busyUs };
  }

  get isPaused(): boolean {
    return this.paused;
  }

  /** Hashes of everything in the cache. */
  blockHashes(): Set<bigint> {
    return this.scheduler.pool.hashes();
  }

  /** How many leading blocks of `hashes` are in the cache at this moment. */
  leadingBlocks(hashes: BigUint64Array): number {
    const words = new Uint32Array(hashes.buffer, hashes.byteOffset, hashes.length * 2);
    const { pool } = this.scheduler;
    let held = 0;
    while (held < hashes.length && pool.find(words[held * 2] ?? 0, words[held * 2 + 1] ?? 0) >= 0) {
      held += 1;
    }
    return held;
  }

  /** `receivedUs`: when the front end had the request; what it has done since then is part of its
   * `arrivalUs`. */
  submit(
    work: Work<Sequence>,
    listener: RequestListener<Sequence>,
    receivedUs = this.clock.nowUs(),
  ): EngineRequest<Sequence> {
    const { blockSizeTokens, usableBlocks, arrivalUs } = this.options;
    const tokens = work.promptTokens + work.outputTokens;
    if (work.promptTokens < 1 || work.outputTokens < 1 || tokens > usableBlocks * blockSizeTokens) {
      throw new RangeError(
        `cannot serve ${work.promptTokens} + ${work.outputTokens} tokens with ${usableBlocks} blocks of ${blockSizeTokens}`,
      );
    }
    const request = new EngineRequest(work, listener, blockSizeTokens, receivedUs);
    this.arriving.add(request);
    if (arrivalUs === 0) this.arrive(request, receivedUs);
    else this.clock.at(receivedUs + arrivalUs, () => this.arrive(request, this.clock.nowUs()));
    return request;
  }

  /** The client is gone: no more callbacks; blocks are free when the present step ends. */
  abort(request: EngineRequest<Sequence>): void {
    const { state } = request;
    if (state === 'finished' || state === 'aborted') return;
    request.state = 'aborted';
    if (state === 'arriving') this.arriving.delete(request);
    if (state === 'waiting') {
      this.scheduler.waiting.splice(this.scheduler.waiting.indexOf(request), 1);
    }
    if (state !== 'running') return;
    this.scheduler.aborted(request);
    if (!this.stepping) this.scheduler.dropEnded();
  }

  /** vLLM's reset_prefix_cache: false while blocks are in use. Running requests can be put back
   * into the queue first. */
  resetCache(preemptsRunning: boolean): boolean {
    if (preemptsRunning && !this.stepping) {
      const { running } = this.scheduler;
      for (let last = running.pop(); last !== undefined; last = running.pop()) {
        this.scheduler.preempt(last);
      }
    }
    return this.scheduler.pool.reset();
  }

  /** No step begins until `resume`. */
  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.wake(this.clock.nowUs());
  }

  /** As a new process: an empty pool, no requests, no pending events. */
  restart(): void {
    const { waiting, running } = this.scheduler;
    const lost = [...running, ...waiting, ...this.arriving];
    this.life += 1;
    this.onStepEnd = this.stepEnder();
    this.stepping = false;
    this.arriving.clear();
    this.log?.take();
    this.scheduler = new BatchScheduler(this.options, this.log);
    for (const request of lost) {
      if (request.state === 'aborted' || request.state === 'finished') continue;
      request.state = 'aborted';
      request.listener.onLost?.(request);
    }
  }

  private arrive(request: EngineRequest<Sequence>, atUs: number): void {
    if (!this.arriving.delete(request)) return;
    request.state = 'waiting';
    this.scheduler.waiting.push(request);
    if (!this.stepping) this.wake(atUs);
  }

  /** Begins a step after everything else that is due at `atUs`, so that requests which arrive at the
   * same time are scheduled together. */
  private wake(atUs: number): void {
    const { life } = this;
    this.clock.at(atUs, () => {
      if (life === this.life && !this.stepping) this.beginStep(this.clock.nowUs());
    });
  }

  private beginStep(startUs: number): void {
    if (this.paused || !this.scheduler.schedule(startUs)) return;
    const durationUs = this.options.cost(this.scheduler.load);
    this.steps += 1;
    this.busyUs += durationUs;
    this.stepping = true;
    this.stepEndUs = startUs + durationUs;
    this.clock.at(this.stepEndUs, this.onStepEnd);
  }

  /** For the clock; one for all steps of a life. */
  private stepEnder(): () => void {
    const { life } = this;
    return () => {
      if (life === this.life) this.endStep(this.stepEndUs);
    };
  }

  private endStep(endUs: number): void {
    this.stepping = false;
    const others = this.scheduler.update(endUs);
    const { emitted } = this.scheduler;
    if (others > 0) this.onGaps?.(endUs - this.lastEndUs, others);
    this.lastEndUs = endUs;
    if (this.log !== null && !this.log.isEmpty) this.onEvents?.(this.log.take());
    const { life } = this;
    for (let i = 0; i < emitted.size; i += 1) {
      const request = emitted.at(i);
      // A listener before may have aborted this request, or restarted the engine.
      if (request.state === 'aborted' || life !== this.life) continue;
      const { outputCount, lastTokenUs, work } = request;
      request.lastTokenUs = endUs;
      if (work.countsTokens === true && outputCount > 1) this.onGaps?.(endUs - lastTokenUs, 1);
      else request.listener.onToken?.(request, endUs);
      if (request.state === 'finished') request.listener.onFinish?.(request, endUs);
    }
    if (life === this.life && !this.stepping) this.beginStep(this.clock.nowUs());
  }
}
