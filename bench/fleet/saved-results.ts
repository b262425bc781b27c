// Rows of earlier runs, as `bench fleet --json` printed them.
import { readFileSync } from 'node:fs';
import { ConfigError } from '../../src/errors.js';
import type { FleetRow } from './result-row.js';

/** Of the fields a report reads, those without which a row is none of ours. */
const TEXTS = ['name', 'workload', 'policy', 'arm', 'about'] as const;
const NUMBERS = ['load', 'hit_ratio', 'ttft_p90', 'ttft_mean'] as const;

export interface SavedResults {
  /** Of rows with one name the last. */
  readonly rows: readonly FleetRow[];
  /** What was run, where, at which commit, of each file. */
  readonly made: readonly string[];
}

/** Files with commas between them. Throws ConfigError naming the file. */
export function savedResults(files: string): SavedResults {
  const rows = new Map<string, FleetRow>();
  const made: string[] = [];
  for (const file of files.split(',')) {
    const { results, command, machine, commit } = savedFile(file.trim());
    for (const row of results) rows.set(row.name, row);
    made.push(`${command} (${machine}, commit ${commit})`);
  }
  return { rows: [...rows.values()], made };
}

function savedFile(file: string) {
  let saved: unknown;
  try {
    saved = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new ConfigError(`bench fleet: cannot read ${file}: ${String(cause)}`);
  }
  const results = isObject(saved) ? saved['results'] : null;
  if (!isObject(saved) || !Array.isArray(results) || !results.every(isRow)) {
    throw new ConfigError(`bench fleet: ${file} is not what \`bench fleet --json\` prints`);
  }
  const text = (key: string) => (typeof saved[key] === 'string' ? saved[key] : 'unknown');
  return { results, command: text('command'), machine: text('machine'), commit: text('commit') };
}

function isRow(row: unknown): row is FleetRow {
  if (!isObject(row)) return false;
  return (
    TEXTS.every((key) => typeof row[key] === 'string') &&
    NUMBERS.every((key) => typeof row[key] === 'number')
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
