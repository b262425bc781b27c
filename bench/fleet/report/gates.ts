// What the policies are held to (BENCHMARKS section 12, and the promises of README), judged from the rows
// of a report: each gate with its number, met or not.
import type { FleetRow } from '../result-row.js';
import { KNEE_FACTOR, seconds } from './svg-text.js';
import { OURS } from './takeaway.js';

export interface Gate {
  readonly says: string;
  readonly measured: string;
  readonly met: boolean;
}

/** Hit ratios of precise routing in the reference simulation with blocks of 16 tokens, times 0.95. */
const LEAST_HITS: readonly (readonly [workload: string, hit: number])[] = [
  ['w1', 0.815],
  ['w2', 0.249],
  ['w3', 0.91],
];
/** TTFT p90 over that of load-only routing, at most. */
const AGAINST_LOAD: readonly (readonly [workload: string, policy: string, share: number])[] = [
  ['w1', 'precise', 0.5],
  ['w2', 'precise', 0.8],
  ['w3', 'precise', 0.5],
  ['w1', OURS, 0.5],
  ['w2', OURS, 0.5],
  ['w3', OURS, 0.5],
];
const IMBALANCE_MAX = 1.5;
/** No listed policy is better by more than this. */
const BEHIND_MAX = 1.05;
/** Beyond, a run is overload and compares nothing. */
const PREEMPTED_MAX = 0.05;
/** A policy that finds less than this of what we find has lost what it knew. */
const KEPT_KNOWLEDGE = 0.95;
const GUESSES = ['approximate', 'approximate-tuned', 'cache-aware'];
const GUESS_FACTOR = 1.5;
const HIT_ARMS = ['replicas-4', 'router-restart', 'engine-restart'];

/** Only those whose rows are there. */
export function gatesOf(rows: readonly FleetRow[]): readonly Gate[] {
  const find = (workload: string, policy: string, arm = 'none') =>
    rows.find((row) => {
      return (
        row.workload === workload && row.policy === policy && row.arm === arm && row.load === 1
      );
    });
  const hits = LEAST_HITS.flatMap(([workload, least]) => {
    const row = find(workload, OURS);
    return row === undefined
      ? []
      : [gate(`${workload}: hit ratio at least ${least}`, row.hit_ratio, row.hit_ratio >= least)];
  });
  const loads = AGAINST_LOAD.flatMap(([workload, policy, share]) => {
    const [row, load] = [find(workload, policy), find(workload, 'load')];
    if (row === undefined || load === undefined) return [];
    const ratio = row.ttft_p90 / load.ttft_p90;
    const says = `${workload}: p90 of ${policy} at most ${share} of load-only's`;
    return [gate(says, ratio, ratio <= share)];
  });
  return [...hits, ...loads, ...collapse(find), ...behind(rows), ...arms(rows, find)];
}

type Find = (workload: string, policy: string, arm?: string) => FleetRow | undefined;

function collapse(find: Find): Gate[] {
  const w2 = find('w2', OURS);
  const load = find('w2', 'load');
  const hot = find('hot-prefix', OURS);
  const gates: Gate[] = [];
  if (w2 !== undefined && load !== undefined) {
    const met = w2.imbalance < IMBALANCE_MAX && w2.ttft_mean < load.ttft_mean;
    const measured = `${w2.imbalance.toFixed(2)}; ${seconds(w2.ttft_mean)} against ${seconds(load.ttft_mean)} s`;
    const says = `w2: imbalance below ${IMBALANCE_MAX}, mean below load-only's`;
    gates.push({ says, measured, met });
  }
  if (hot !== undefined) {
    const says = `one hot prefix: imbalance at most ${IMBALANCE_MAX}`;
    gates.push(gate(says, hot.imbalance, hot.imbalance <= IMBALANCE_MAX));
  }
  return gates;
}

/** The default against every other policy, on every undisturbed workload and load up to its knee. */
function behind(rows: readonly FleetRow[]): Gate[] {
  const compared = rows
    .filter(({ policy, arm }) => policy === OURS && arm === 'none')
    .filter(({ preemptions, requests }) => preemptions <= PREEMPTED_MAX * requests)
    .flatMap((ours) => {
      const rivals = rows.filter((row) => {
        const isRival = row.policy !== OURS && row.policy !== 'oracle' && row.arm === 'none';
        return isRival && row.workload === ours.workload && row.load === ours.load;
      });
      return rivals.flatMap((rival) =>
        (['ttft_mean', 'ttft_p90'] as const).map((field) => ({
          ratio: ours[field] / rival[field],
          what: `${field === 'ttft_p90' ? 'p90' : 'mean'} of ${rival.policy} on ${ours.workload} at load ${ours.load}`,
        })),
      );
    });
  const worst = compared.reduce((most, one) => (one.ratio > most.ratio ? one : most), {
    ratio: 0,
    what: '',
  });
  if (compared.length === 0) return [];
  const says = `no policy better by more than 5 %, mean and p90, at any workload and load (${compared.length} comparisons)`;
  const measured = `worst ${worst.ratio.toFixed(3)}: ${worst.what}`;
  return [{ says, measured, met: worst.ratio <= BEHIND_MAX }];
}

function arms(rows: readonly FleetRow[], find: Find): Gate[] {
  const ours = rows.filter(({ policy, arm }) => policy === OURS && arm !== 'none');
  return ours.flatMap((row) => {
    const { workload, load, arm } = row;
    const where = `${workload}${load === 1 ? '' : ` at load ${load}`}, ${arm}`;
    const single = find(workload, 'precise');
    const gates: Gate[] = [];
    if (HIT_ARMS.includes(arm) && load === 1 && single !== undefined) {
      const share = row.hit_ratio / single.hit_ratio;
      const says = `${where}: hit ratio at least 0.95 of one undisturbed precise router's`;
      gates.push(gate(says, share, share >= 0.95));
    }
    const guesses = rows.filter((other) => {
      const same = other.workload === workload && other.load === load && other.arm === arm;
      return same && GUESSES.includes(other.policy);
    });
    for (const guess of guesses) {
      if (guess.hit_ratio >= KEPT_KNOWLEDGE * row.hit_ratio) continue;
      const ratio = guess.ttft_p90 / row.ttft_p90;
      const says = `${where}: ${guess.policy}, which lost knowledge (hit ratio ${guess.hit_ratio.toFixed(3)} against ${row.hit_ratio.toFixed(3)}), has ${GUESS_FACTOR} times the p90 or more`;
      const measured = ratio >= KNEE_FACTOR ? 'past its knee' : ratio.toFixed(3);
      gates.push({ says, measured, met: ratio >= GUESS_FACTOR });
    }
    return gates;
  });
}

function gate(says: string, value: number, met: boolean): Gate {
  return { says, measured: value.toFixed(3), met };
}
