// `warmpath bench NAME`: runs one benchmark and prints what it measured, as a table or as JSON.
import type { BenchOptions } from '../../bench/bench-options.js';
import type { BenchResult } from '../../bench/bench-result.js';
import { ConfigError } from '../errors.js';
import type { CommandInvocation } from './arguments.js';
import { commit, machine } from './machine.js';

type BenchFlags = CommandInvocation<'bench'>['flags'];

interface Benchmark {
  run(options: BenchOptions): Promise<BenchResult[]>;
  /** The benchmark writes its own table as it goes along. */
  readonly writesTable?: boolean;
}

const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  decide: () => import('../../bench/decide.bench.js'),
  events: () => import('../../bench/events.bench.js'),
  fleet: () => import('../../bench/fleet.bench.js'),
  hash: () => import('../../bench/hash.bench.js'),
  index: () => import('../../bench/prefix-index.bench.js'),
  proxy: () => import('../../bench/proxy.bench.js'),
  tokenize: () => import('../../bench/tokenize.bench.js'),
};

export async function bench({ operand, flags }: CommandInvocation<'bench'>): Promise<void> {
  const name = operand ?? '';
  const { json } = flags;
  const load = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (load === undefined) {
    throw new ConfigError(
      `there is no bench ${name} yet, but ${Object.keys(BENCHMARKS).join(', ')}`,
    );
  }
  const benchmark = await load();
  const options = optionsOf(flags);
  const results = await benchmark.run(options);
  if (json) {
    const { command } = options;
    const report = { bench: name, command, machine: machine(), commit: commit(), results };
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  if (benchmark.writesTable === true) return;
  process.stdout.write(`${machine()}, commit ${commit()}\n`);
  for (const { name: row, value, unit, ...facts } of results) {
    const rest = Object.entries(facts).map(([key, fact]) => `${key} ${shown(fact)}`);
    process.stdout.write(
      `${row.padEnd(44)} ${shown(value).padStart(12)} ${unit}   ${rest.join('  ')}\n`,
    );
  }
}

function optionsOf(flags: BenchFlags): BenchOptions {
  return {
    json: flags.json,
    trace: flags.trace,
    workload: flags.workload,
    policy: flags.policy,
    arm: flags.arm,
    load: flags.load,
    engines: flags.engines,
    kvTokens: flags['kv-tokens'],
    timing: flags.timing,
    blockSize: flags['block-size'],
    generatedBlocks: flags['generated-blocks'],
    timeScale: flags['time-scale'],
    closed: flags.closed,
    eventDelayMs: flags['event-delay'],
    scrapeIntervalMs: flags['scrape-interval'],
    seed: flags.seed,
    requests: flags.requests,
    target: flags.target,
    model: flags.model,
    apiKey: flags['api-key'],
    vocabulary: flags.vocabulary,
    report: flags.report,
    from: flags.from,
    command: commandLine(flags['api-key']),
  };
}

/** As it was given, without the key: results are saved and shown to others. */
function commandLine(apiKey: string | null): string {
  const line = `npm run bench -- ${process.argv.slice(3).join(' ')}`;
  return apiKey === null ? line : line.replaceAll(apiKey, '***');
}

function shown(value: unknown): string {
  if (typeof value !== 'number') return String(value);
  const isShort = Number.isInteger(value) || Math.abs(value) >= 1e4;
  return isShort ? String(Math.round(value)) : value.toPrecision(4);
}
