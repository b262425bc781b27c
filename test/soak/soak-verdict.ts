// What a soak has to show, and what is missing from it.
import type { SoakReport } from './soak-run.js';

/** Share by which memory may grow; descriptors may differ by a connection or two of the polls. */
const MEMORY_GROWTH_MAX = 0.05;
const DESCRIPTORS_MAX = 4;

const LOST_SHOWN = 20;

/** Empty: all is well. */
export function faultsOf({
  lost,
  cutForNothing,
  before,
  after,
  counts,
  exitCode,
}: SoakReport): string[] {
  const faults: string[] = [];
  const show = (record: object | undefined) => JSON.stringify(record);
  if (counts.whole === 0) faults.push('no call was answered');
  if (lost.length > 0) faults.push(`${lost.length} calls lost`);
  for (const record of lost.slice(0, LOST_SHOWN)) faults.push(`lost: ${show(record)}`);
  if (cutForNothing.length > 0) {
    faults.push(`${cutForNothing.length} streams cut without a kill: ${show(cutForNothing[0])}`);
  }
  for (const key of ['rssBytes', 'ownBytes'] as const) {
    const growth = after[key] / before[key] - 1;
    if (growth > MEMORY_GROWTH_MAX) faults.push(`${key} grew by ${(growth * 100).toFixed(1)} %`);
  }
  for (const key of ['files', 'sockets'] as const) {
    const more = after[key] - before[key];
    if (more > DESCRIPTORS_MAX) faults.push(`${more} more ${key} than before`);
  }
  if (exitCode !== 0) faults.push(`the router ended with ${exitCode}`);
  return faults;
}
