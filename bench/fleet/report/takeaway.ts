// What a run says, in one sentence made of its numbers.
import type { FleetRow } from '../result-row.js';
import { factor, seconds } from './svg-text.js';

export const OURS = 'warmpath';
/** Closer than this is a tie: other seeds move times by as much. */
const TIE = 1.05;

export function takeaway(rows: readonly FleetRow[]): string {
  const ours = rows.find(({ policy }) => policy === OURS);
  if (ours === undefined) return '';
  const others = rows.filter(({ policy }) => policy !== OURS && policy !== 'oracle');
  const best = least(others);
  const load = rows.find(({ policy }) => policy === 'load');
  const sentences: string[] = [];
  if (load !== undefined) {
    const ratio = load.ttft_p90 / ours.ttft_p90;
    sentences.push(
      `The first token comes after ${seconds(ours.ttft_p90)} s or less for nine of ten requests, against ${seconds(load.ttft_p90)} s when only load decides${ratio >= TIE ? ` (${factor(ratio)} ${ratio >= 1.3 ? 'shorter' : 'more'})` : ''}.`,
    );
  }
  if (best !== undefined) sentences.push(against(ours, best));
  const ideal = ours.ideal_hit === 0 ? null : (100 * ours.hit_ratio) / ours.ideal_hit;
  if (ideal !== null) {
    sentences.push(
      `${(100 * ours.hit_ratio).toFixed(0)} % of all prompt tokens were in a cache, ${ideal.toFixed(0)} % of what an endless cache would hold.`,
    );
  }
  return sentences.join(' ');
}

function against(ours: FleetRow, best: FleetRow): string {
  const ratio = best.ttft_p90 / ours.ttft_p90;
  const other = `${best.policy} (${seconds(best.ttft_p90)} s)`;
  if (ratio > TIE) return `The best of the other policies is ${other}.`;
  if (ratio < 1 / TIE) return `${other} is better here, by ${factor(1 / ratio)}.`;
  return `The best of the other policies, ${other}, does as well.`;
}

function least(rows: readonly FleetRow[]): FleetRow | undefined {
  return rows.reduce<FleetRow | undefined>(
    (best, row) => (best === undefined || row.ttft_p90 < best.ttft_p90 ? row : best),
    undefined,
  );
}
