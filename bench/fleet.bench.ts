// Routing policies on one workload after the other, in virtual time: the router's real scorers, picker,
// booking, prediction and native index against simulated engines (BENCHMARKS sections 3, 7 and 8).
//
// Times are simulated, of the timing model that is named, and hold no cost of the router itself.

import { writeFileSync } from 'node:fs';
import { commit, machine } from '../src/cli/machine.js';
import { ConfigError } from '../src/errors.js';
import type { BenchOptions } from './bench-options.js';
import type { BenchResult } from './bench-result.js';
import { type BenchRun, benchRuns } from './fleet/bench-runs.js';
import { prefillTokensPerSecond } from './fleet/engine-fleet.js';
import { runFleet } from './fleet/fleet-run.js';
import type { PolicyKind } from './fleet/policy.js';
import { KNOWN_POLICIES } from './fleet/policy-list.js';
import { Progress } from './fleet/progress.js';
import { htmlReport } from './fleet/report/html-report.js';
import { type FleetRow, fleetRow } from './fleet/result-row.js';
import { tableHead, tableLine } from './fleet/result-table.js';
import { type RunSummary, summarize } from './fleet/run-summary.js';
import { savedResults } from './fleet/saved-results.js';
import { targetBench } from './fleet/target/target-bench.js';
import { spanUs } from './fleet/workload.js';
import { type WorkloadBounds, workloadBounds } from './fleet/workload-bounds.js';

export const writesTable = true;

export async function run(options: BenchOptions): Promise<BenchResult[]> {
  if (options.target !== null) return targetBench(options);
  const { rows, made } =
    options.from === null
      ? {
          rows: await runAll(options),
          made: [`${options.command} (${machine()}, commit ${commit()})`],
        }
      : savedResults(options.from);
  if (options.report !== null) writeReport(options.report, rows, made);
  return [...rows];
}

async function runAll(options: BenchOptions): Promise<FleetRow[]> {
  const { runs, skipped } = benchRuns(options);
  for (const sentence of skipped) process.stderr.write(`bench fleet: ${sentence}\n`);
  const progress = new Progress(runs.reduce((sum, { policies }) => sum + policies.length, 0));
  const rows: FleetRow[] = [];
  for (const one of runs) {
    const { engines, name, policies, arm } = one;
    const kvTokens = engines.reduce((sum, { usableBlocks }) => sum + usableBlocks, 0);
    const bounds = workloadBounds(one.workload, kvTokens * options.blockSize);
    const about = aboutRun(one, bounds, options);
    if (!options.json) process.stdout.write(tableHead(name, about));
    const label = {
      ...{ workload: one.workload.name, load: one.load, arm: arm.name },
      ...{ armAbout: arm.about, about: about.join('; ') },
    };
    for (const policy of policies) {
      const summary = runPolicy(one, policy, options, progress);
      const title = `${name}/${policy.name}`;
      const row = fleetRow(title, { ...label, policy: policy.name }, summary, bounds);
      rows.push(row);
      progress.clear();
      if (!options.json) process.stdout.write(tableLine(policy.name, row));
      // Lets signals in between two runs.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return rows;
}

function writeReport(file: string, rows: readonly FleetRow[], made: readonly string[]): void {
  const policies = new Map(KNOWN_POLICIES.map(({ name, about }) => [name, about]));
  const page = htmlReport({ rows, policies, made });
  try {
    writeFileSync(file, page);
  } catch (cause) {
    throw new ConfigError(`bench fleet: cannot write the report to ${file}: ${String(cause)}`);
  }
  process.stderr.write(`bench fleet: report in ${file}\n`);
}

function runPolicy(
  { name, workload, engines, arm }: BenchRun,
  policy: PolicyKind,
  { seed, eventDelayMs, scrapeIntervalMs }: BenchOptions,
  progress: Progress,
): RunSummary {
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
  return summarize(workload, record);
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
