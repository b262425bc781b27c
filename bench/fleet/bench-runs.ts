// From the command line to the runs that are to be made.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suggestion } from '../../src/config/nearest-name.js';
import { ConfigError } from '../../src/errors.js';
import type { EngineOptions } from '../../src/sim/engine.js';
import { TIMING_NAMES } from '../../src/sim/timing.js';
import type { BenchOptions } from '../bench-options.js';
import { type Arm, armsNamed } from './arms.js';
import { engineFleet } from './engine-fleet.js';
import type { PolicyKind } from './policy.js';
import { policiesNamed } from './policy-list.js';
import { longestRequestTokens, type Workload } from './workload.js';
import { WORKLOADS } from './workload-list.js';
import { standardTrace, tracedWorkload } from './workloads/recorded-list.js';
import type { WorkloadKind } from './workloads/workload-kind.js';

/** Policies on one workload at one load. */
export interface BenchRun {
  /** First part of the row names. */
  readonly name: string;
  readonly workload: Workload;
  readonly load: number;
  readonly engines: readonly EngineOptions[];
  readonly timing: string;
  readonly arm: Arm;
  readonly policies: readonly PolicyKind[];
}

export interface BenchRuns {
  readonly runs: readonly BenchRun[];
  /** What was asked for and cannot be run, one sentence each. */
  readonly skipped: readonly string[];
}

/** One workload at one load. */
export type WorkloadRun = Pick<BenchRun, 'workload' | 'load'>;

const DEFAULT_WORKLOADS = 'w1,w2,w3';

/** Throws ConfigError naming the flag and its value. */
export function benchRuns(options: BenchOptions): BenchRuns {
  if (options.timing !== null && !TIMING_NAMES.includes(options.timing)) {
    throw new ConfigError(
      `bench fleet: unknown timing "${options.timing}"${suggestion(options.timing, TIMING_NAMES)}; known are ${TIMING_NAMES.join(', ')}`,
    );
  }
  const policies = policiesNamed(options.policy ?? 'all');
  const arms = armsNamed(options.arm);
  const { runs, skipped } = workloadRuns(options);
  return {
    skipped,
    runs: runs.flatMap(({ workload, load }) =>
      arms.map((arm) => benchRun(options, workload, load, arm, policies)),
    ),
  };
}

/** Throws ConfigError naming the flag and its value. */
export function workloadRuns(options: BenchOptions): {
  readonly runs: readonly WorkloadRun[];
  readonly skipped: readonly string[];
} {
  const skipped: string[] = [];
  const runs = loadsOf(options.load).flatMap((load) =>
    workloadsOf(options, load, skipped).map((workload) => ({
      workload: cut(workload, options.requests),
      load,
    })),
  );
  return { runs, skipped: [...new Set(skipped)] };
}

/** The first `count` requests; null: all. */
function cut(workload: Workload, count: number | null): Workload {
  if (count === null || count >= workload.requests.length) return workload;
  return {
    ...workload,
    about: `${workload.about}, the first ${count} requests`,
    requests: workload.requests.slice(0, count),
  };
}

function benchRun(
  options: BenchOptions,
  workload: Workload,
  load: number,
  arm: Arm,
  policies: readonly PolicyKind[],
): BenchRun {
  const engines = engineFleet(workload.engines, {
    count: options.engines,
    timing: options.timing,
    kvTokens: options.kvTokens,
    blockSizeTokens: options.blockSize,
    generatedBlocks: options.generatedBlocks ?? workload.generatedBlocks,
  });
  const longest = longestRequestTokens(workload);
  const least = Math.min(...engines.map((engine) => engine.usableBlocks * engine.blockSizeTokens));
  if (longest > least) {
    throw new ConfigError(
      `bench fleet: ${workload.name} has a request of ${longest} tokens, more than an engine's ${least}; raise --kv-tokens`,
    );
  }
  const suffix = `${load === 1 ? '' : `@${load}`}${arm.name === 'none' ? '' : `+${arm.name}`}`;
  const timing =
    options.timing ?? [...new Set(workload.engines.map((group) => group.timing))].join('+');
  return { name: workload.name + suffix, workload, load, engines, timing, arm, policies };
}

function loadsOf(text: string): number[] {
  return text.split(',').map((part) => {
    const load = Number(part);
    if (Number.isFinite(load) && load > 0) return load;
    throw new ConfigError(`bench fleet: --load ${text}: "${part}" is not a number above 0`);
  });
}

function workloadsOf(options: BenchOptions, load: number, skipped: string[]): Workload[] {
  const { trace, closed, seed } = options;
  const names = options.workload ?? (trace === null ? DEFAULT_WORKLOADS : null);
  if (names === null) {
    const timeScale = (options.timeScale ?? 1) * load;
    return [tracedWorkload(trace ?? '', { timeScale, trace: null, closed, seed })];
  }
  return names.split(',').flatMap((part) => {
    const kind = workloadNamed(part.trim());
    const file = kind.trace === null ? null : traceOf(kind.trace, trace);
    if (kind.trace !== null && file === null) {
      skipped.push(
        `${kind.name} skipped: its trace ${kind.trace} is not in ${trace ?? '../shared/traces beside the project'}; --trace gives a file or another folder`,
      );
      return [];
    }
    const timeScale = (options.timeScale ?? kind.timeScale) * load;
    return [kind.create({ timeScale, trace: file, closed, seed })];
  });
}

/** Where the workload's trace is; null: nowhere. */
function traceOf(standard: string, given: string | null): string | null {
  if (given === null) return standardTrace(standard);
  if (!existsSync(given) || !statSync(given).isDirectory()) return given;
  const inFolder = join(given, standard);
  return existsSync(inFolder) ? inFolder : null;
}

function workloadNamed(name: string): WorkloadKind {
  const kind = WORKLOADS.find((one) => one.name === name);
  if (kind !== undefined) return kind;
  const known = WORKLOADS.map((one) => one.name);
  throw new ConfigError(
    `bench fleet: unknown workload "${name}"${suggestion(name, known)}; known are ${known.join(', ')}`,
  );
}
