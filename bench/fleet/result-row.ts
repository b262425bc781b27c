// Rows of `bench fleet`: names and fields that people's scripts rely on; times in seconds.
import type { BenchResult } from '../bench-result.js';
import type { RunSummary } from './run-summary.js';
import type { ServingFigures } from './serving-figures.js';
import type { WorkloadBounds } from './workload-bounds.js';

/** What was run. */
export interface RunLabel {
  readonly workload: string;
  readonly policy: string;
  /** Multiple of the workload's own load. */
  readonly load: number;
  readonly arm: string;
  readonly armAbout: string;
  /** Workload, engines and delays, in words. */
  readonly about: string;
}

export interface FleetRow extends BenchResult, RunLabel, ServingFigures {
  readonly hit_ratio: number;
  /** What one cache as large as the fleet's would hit. */
  readonly lru_hit: number;
  readonly preemptions: number;
  readonly imbalance: number;
}

export function fleetRow(
  name: string,
  label: RunLabel,
  summary: RunSummary,
  bounds: WorkloadBounds,
): FleetRow {
  return {
    name,
    ...label,
    value: round(summary.ttftMean),
    unit: 's mean TTFT',
    p50: round(summary.ttftP50),
    p99: round(summary.ttftP99),
    hit_ratio: round(summary.hitRatio),
    ideal_hit: round(bounds.idealHit),
    lru_hit: round(bounds.lruHit),
    ttft_mean: round(summary.ttftMean),
    ttft_p50: round(summary.ttftP50),
    ttft_p90: round(summary.ttftP90),
    ttft_p99: round(summary.ttftP99),
    itl_mean: round(summary.itlMean),
    itl_p50: round(summary.itlP50),
    itl_p99: round(summary.itlP99),
    e2e_mean: round(summary.e2eMean),
    output_tokens_per_s: round(summary.outputTokensPerSecond),
    requests: summary.requests,
    rejects: summary.rejects,
    failures: summary.failures,
    preemptions: summary.preemptions,
    imbalance: round(summary.imbalance),
  };
}

/** Microseconds are as fine as the simulation is meant to be. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
