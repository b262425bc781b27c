// Where a benchmark ran, and on which commit.
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

export function machine(): string {
  const [first] = cpus();
  return `${cpus().length} x ${first?.model ?? 'unknown CPU'}, Node ${process.versions.node}`;
}

/** Benchmarks run from a clone; an installed package has no history. */
export function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}
