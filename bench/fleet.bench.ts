// Routing policies on one workload after the other, in virtual time: the router's real scorers, picker,
// booking, prediction and native index against simulated engines (BENCHMARKS sections 3, 7 and 8).
//
// Times are simulated, of the timing model that is named, and hold no cost of the router itself.

import type { BenchOptions } from './bench-options.js';
import type { BenchResult } from './bench-result.js';
import { type BenchRun, benchRuns } from './fleet/bench-runs.js';
import { prefillTokensPerSecond } from './fleet/engine-fleet.js';
import { runFleet } from './fleet/fleet-run.js';
import type { PolicyKind } from './fleet/policy.js';
import { Progress } from './fleet/progress.js';
import { type FleetRow, fleetRow } from './fleet/result-row.js';
import { tableHead, tableLine } from './fleet/result-table.js';
import { summarize } from './fleet/run-summary.js';
import { spanUs } from './fleet/workload.js';
import { type WorkloadBounds, workloadBounds } from './fleet/workload-bounds.js';

export const writesTable = true;

export async function run(options: BenchOptions): Promise<BenchResult[]> {
  const { runs, skipped } = benchRuns(options);
  for (const sentence of skipped) process.stderr.write(`bench fleet: ${sentence}\n`);
  const progress = new Progress(runs.reduce((sum, { policies }) => sum + policies.length, 0));
  const rows: FleetRow[] = [];
  for (const one of runs) {
    const { engines, name, policies } = one;
    const kvTokens = engines.reduce((sum, { usableBlocks }) => sum + usableBlocks, 0);
    const bounds = workloadBounds(one.workload, kvTokens * options.blockSize);
    if (!options.json) process.stdout.write(tableHead(name, aboutRun(one, bounds, options)));
    for (const policy of policies) {
      const row = runPolicy(one, policy, bounds, options, progress);
      rows.push(row);
      progress.clear();
      if (!options.json) process.stdout.write(tableLine(policy.name, row));
      // Lets signals in between two runs.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return rows;
}

function runPolicy(
  { name, workload, engines, arm }: BenchRun,
  policy: PolicyKind,
  bounds: WorkloadBounds,
  { seed, eventDelayMs, scrapeIntervalMs }: BenchOptions,
  progress: Progress,
): FleetRow {
  const title = `${name}/${policy.name}`;
  const before = process.cpuUsage();
  const [first] = engines;
  const record = runFleet({
    ...arm.apply(engines, spanUs(workload)),
    workload,
    policy,
    seed,
    eventDelayMs,
    scrapeIntervalMs,
    prefillTokensPerSecond: first === undefined ? 0 : prefillTokensPerSecond(first.cost),
    onProgress: (share) => progress.at(title, share),
  });
  const { user, system } = process.cpuUsage(before);
  progress.finished(title, (user + system) / 1e6, workload.requests.length);
  return fleetRow(title, summarize(workload, record), bounds);
}

function aboutRun(
  { workload, engines, timing, arm }: BenchRun,
  { idealHit, lruHit }: WorkloadBounds,
  options: BenchOptions,
): string[] {
  const [first] = engines;
  const sizes = new Set(engines.map((engine) => engine.usableBlocks * engine.blockSizeTokens));
  return [
    workload.about,
    ...(arm.name === 'none' ? [] : [arm.about]),
    `${workload.requests.length} requests`,
    `${engines.length} x ${timing} with ${[...sizes].join(' or ')} KV tokens, block ${options.blockSize}`,
    `generated blocks ${first?.generatedBlocks ?? 'cached'}`,
    `events ${options.eventDelayMs} ms late, metrics every ${options.scrapeIntervalMs} ms`,
    `seed ${options.seed}, virtual time`,
    `ideal hit ${idealHit.toFixed(3)}, one cache of the fleet's size ${lruHit.toFixed(3)}`,
  ];
}
