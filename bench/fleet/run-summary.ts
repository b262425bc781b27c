// What a run's record says, in the words of BENCHMARKS section 9.
import type { RunRecord } from './fleet-run.js';
import type { Workload } from './workload.js';

/** Times in seconds. Hits and times to answers are those of requests that the router placed. */
export interface RunSummary {
  readonly requests: number;
  /** Cached tokens over prompt tokens, as the engines found them. */
  readonly hitRatio: number;
  readonly ttftMean: number;
  readonly ttftP50: number;
  readonly ttftP90: number;
  readonly ttftP99: number;
  readonly itlMean: number;
  readonly itlP50: number;
  readonly itlP99: number;
  readonly e2eMean: number;
  readonly outputTokensPerSecond: number;
  readonly rejects: number;
  readonly failures: number;
  readonly preemptions: number;
  /** Busy time of the busiest engine over the mean. */
  readonly imbalance: number;
  readonly makespan: number;
}

export function summarize(workload: Workload, record: RunRecord): RunSummary {
  const { itl, busyUs } = record;
  // What came past the router says nothing of how it routes.
  const routed = (time: number, i: number) => !Number.isNaN(time) && record.bypassed[i] === 0;
  const ttft = record.ttftUs.filter(routed).sort();
  const e2e = record.e2eUs.filter(routed);
  let prompt = 0;
  let cached = 0;
  let output = 0;
  for (const [i, request] of workload.requests.entries()) {
    const found = record.cachedTokens[i] ?? -1;
    if (found >= 0 && record.bypassed[i] === 0) {
      prompt += request.promptTokens;
      cached += found;
    }
    if (!Number.isNaN(record.e2eUs[i])) output += request.outputTokens;
  }
  const meanBusy = mean(busyUs);
  return {
    requests: workload.requests.length,
    hitRatio: prompt === 0 ? 0 : cached / prompt,
    ttftMean: mean(ttft) / 1e6,
    ttftP50: quantile(ttft, 0.5) / 1e6,
    ttftP90: quantile(ttft, 0.9) / 1e6,
    ttftP99: quantile(ttft, 0.99) / 1e6,
    itlMean: itl.meanUs / 1e6,
    itlP50: itl.quantileUs(0.5) / 1e6,
    itlP99: itl.quantileUs(0.99) / 1e6,
    e2eMean: mean(e2e) / 1e6,
    outputTokensPerSecond: record.makespanUs === 0 ? 0 : output / (record.makespanUs / 1e6),
    rejects: record.rejected,
    failures: record.failed,
    preemptions: record.preemptions,
    imbalance: meanBusy === 0 ? 1 : Math.max(...busyUs) / meanBusy,
    makespan: record.makespanUs / 1e6,
  };
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += values[i] ?? 0;
  return values.length === 0 ? 0 : sum / values.length;
}

function quantile(ascending: Float64Array, share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))] ?? 0;
}
