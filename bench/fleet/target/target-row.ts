// Rows of `bench fleet --target`: fields have the names of a simulated row's where they mean the same;
// times in seconds.
import type { BenchResult } from '../../bench-result.js';
import type { ServingFigures } from '../serving-figures.js';
import type { Workload } from '../workload.js';
import type { TargetRecord } from './target-run.js';

export interface TargetLabel {
  readonly workload: string;
  readonly load: number;
  readonly target: string;
  readonly model: string;
  readonly about: string;
}

export interface TargetRow extends BenchResult, TargetLabel, ServingFigures {
  /** Cached tokens over prompt tokens as the answers' usage says; null: no answer says it. */
  readonly hit_ratio: number | null;
  /** To the first text, as inference-perf counts. */
  readonly ttft_text_mean: number;
  readonly ttft_text_p50: number;
  readonly ttft_text_p90: number;
  readonly ttft_text_p99: number;
  readonly first_problem: string | null;
  /** Requests of the busiest endpoint over the mean of those seen; null: the target names none. */
  readonly imbalance: number | null;
  /** How late requests were sent, and the share of time in which the client was busy. */
  readonly client_late_p50: number;
  readonly client_late_p99: number;
  readonly client_busy: number;
  /** Why these numbers say nothing of the target; null: they do. */
  readonly void: string | null;
}

/** A client this late measures itself. */
const LATE_MAX_MS = 10;
const BUSY_MAX = 0.9;

export function targetRow(
  label: TargetLabel,
  workload: Workload,
  idealHit: number,
  record: TargetRecord,
): TargetRow {
  const { itl } = record;
  const ttft = known(record.firstChunkMs);
  const text = known(record.firstTextMs);
  const late = known(record.lateMs);
  const lateP99 = quantile(late, 0.99);
  const outputTokens = sum(record.outputTokens.filter((count) => count > 0));
  const row = {
    ...label,
    name: `${label.workload}${label.load === 1 ? '' : `@${label.load}`}/${label.target}`,
    value: mean(ttft) / 1000,
    unit: 's mean TTFT',
    p50: quantile(ttft, 0.5) / 1000,
    p99: quantile(ttft, 0.99) / 1000,
    hit_ratio: hitRatio(record),
    ideal_hit: idealHit,
    ttft_mean: mean(ttft) / 1000,
    ttft_p50: quantile(ttft, 0.5) / 1000,
    ttft_p90: quantile(ttft, 0.9) / 1000,
    ttft_p99: quantile(ttft, 0.99) / 1000,
    ttft_text_mean: mean(text) / 1000,
    ttft_text_p50: quantile(text, 0.5) / 1000,
    ttft_text_p90: quantile(text, 0.9) / 1000,
    ttft_text_p99: quantile(text, 0.99) / 1000,
    itl_mean: itl.meanUs / 1e6,
    itl_p50: itl.quantileUs(0.5) / 1e6,
    itl_p99: itl.quantileUs(0.99) / 1e6,
    e2e_mean: mean(known(record.e2eMs)) / 1000,
    output_tokens_per_s: record.makespanMs > 0 ? outputTokens / (record.makespanMs / 1000) : 0,
    requests: workload.requests.length,
    rejects: record.rejected,
    failures: record.failed,
    first_problem: record.firstProblem,
    imbalance: imbalance(requestsByEndpoint(record)),
    client_late_p50: quantile(late, 0.5) / 1000,
    client_late_p99: lateP99 / 1000,
    client_busy: record.clientBusy,
    void: voidBecause(lateP99, record.clientBusy),
  };
  // Microseconds are finer than any clock here.
  const rounded = Object.entries(row).map(([key, value]) => {
    return [key, typeof value === 'number' ? Math.round(value * 1e6) / 1e6 : value];
  });
  return { ...row, ...Object.fromEntries(rounded) };
}

function voidBecause(lateP99Ms: number, busy: number): string | null {
  if (lateP99Ms > LATE_MAX_MS) {
    return `this client was the bottleneck: a hundredth of its requests left more than ${lateP99Ms.toFixed(0)} ms late (allowed are ${LATE_MAX_MS})`;
  }
  if (busy > BUSY_MAX) {
    return `this client was the bottleneck: it was busy ${(100 * busy).toFixed(0)} % of the time (allowed are ${100 * BUSY_MAX})`;
  }
  return null;
}

function hitRatio({ promptTokens, cachedTokens }: TargetRecord): number | null {
  let prompt = 0;
  let cached = 0;
  for (const [i, tokens] of cachedTokens.entries()) {
    if (tokens < 0) continue;
    prompt += promptTokens[i] ?? 0;
    cached += tokens;
  }
  return prompt === 0 ? null : cached / prompt;
}

function imbalance(counts: readonly number[]): number | null {
  return counts.length === 0 ? null : (Math.max(...counts) * counts.length) / sum(counts);
}

/** What is a number, ascending. */
function known(values: Float64Array): Float64Array {
  return values.filter((value) => !Number.isNaN(value)).sort();
}

function mean(values: ArrayLike<number>): number {
  return values.length === 0 ? 0 : sum(values) / values.length;
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i += 1) total += values[i] ?? 0;
  return total;
}

function quantile(ascending: Float64Array, share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))] ?? 0;
}

/** Empty: the server does not say. */
function requestsByEndpoint({ endpoints }: TargetRecord): number[] {
  const counts = new Map<string, number>();
  for (const name of endpoints) {
    if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts.values()];
}
