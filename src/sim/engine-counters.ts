// EngineCounters: what an engine counts of its requests, in the histograms that vLLM exposes.
import type { EngineRequest } from './engine-request.js';

/** Seconds; vLLM's buckets, thinned out. */
const LATENCY_BUCKETS = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240];
const FIRST_TOKEN_BUCKETS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
  160,
];
const TOKEN_BUCKETS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5];

export class Histogram {
  readonly bounds: readonly number[];
  /** Observations at or below each bound. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count += 1;
    this.bounds.forEach((bound, i) => {
      if (value <= bound) this.counts[i] = (this.counts[i] ?? 0) + 1;
    });
  }
}

export class EngineCounters {
  readonly finished = new Map<string, number>([
    ['stop', 0],
    ['length', 0],
    ['abort', 0],
  ]);
  /** Seconds each. */
  readonly firstToken = new Histogram(FIRST_TOKEN_BUCKETS);
  readonly interToken = new Histogram(TOKEN_BUCKETS);
  readonly perToken = new Histogram(TOKEN_BUCKETS);
  readonly endToEnd = new Histogram(LATENCY_BUCKETS);
  readonly queue = new Histogram(LATENCY_BUCKETS);
  readonly prefill = new Histogram(LATENCY_BUCKETS);
  readonly decode = new Histogram(LATENCY_BUCKETS);
  readonly inference = new Histogram(LATENCY_BUCKETS);

  /** A token came `nowUs`, `previousUs` after the one before it; -1: the first. */
  tokenAt(request: EngineRequest, nowUs: number, previousUs: number): void {
    if (previousUs < 0) this.firstToken.observe(seconds(nowUs - request.submittedUs));
    else this.interToken.observe(seconds(nowUs - previousUs));
  }

  ended(request: EngineRequest, nowUs: number, reason: string): void {
    this.finished.set(reason, (this.finished.get(reason) ?? 0) + 1);
    if (reason === 'abort') return;
    const { submittedUs, scheduledUs, firstTokenUs, outputCount } = request;
    const decode = seconds(nowUs - firstTokenUs);
    this.endToEnd.observe(seconds(nowUs - submittedUs));
    this.queue.observe(seconds(scheduledUs - submittedUs));
    this.prefill.observe(seconds(firstTokenUs - scheduledUs));
    this.decode.observe(decode);
    this.inference.observe(seconds(nowUs - scheduledUs));
    if (outputCount > 1) this.perToken.observe(decode / (outputCount - 1));
  }
}

function seconds(us: number): number {
  return us / 1e6;
}
