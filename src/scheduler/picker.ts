// Pickers: one candidate out of the weighted sums.
import type { PickerType } from '../config/scheduling-plan.js';

/** Sums that differ less than rounding can explain are a tie. */
const EQUAL = 1e-9;

export interface Pick {
  /** Candidates in the order they should be tried. */
  readonly order: Uint32Array;
  /** How many shared the highest sum. */
  readonly tied: number;
}

/** `random` gives numbers in [0, 1). */
export function pick(type: PickerType, totals: Float64Array, random: () => number): Pick {
  const keys = new Float64Array(totals.length);
  let best = Number.NEGATIVE_INFINITY;
  for (const total of totals) best = Math.max(best, total);
  let tied = 0;
  for (let i = 0; i < totals.length; i++) {
    const total = totals[i] ?? 0;
    if (best - total < EQUAL) tied++;
    // A random-picker draws with equal keys; weighted-random takes A-Res keys, U^(1/w).
    if (type === 'max-score-picker') keys[i] = total;
    if (type === 'weighted-random-picker') keys[i] = total > 0 ? random() ** (1 / total) : 0;
  }
  const draws = new Float64Array(totals.length);
  for (let i = 0; i < draws.length; i++) draws[i] = random();
  const order = Uint32Array.from(totals.keys()).sort((a, b) => {
    const difference = (keys[b] ?? 0) - (keys[a] ?? 0);
    return Math.abs(difference) < EQUAL ? (draws[a] ?? 0) - (draws[b] ?? 0) : difference;
  });
  return { order, tied };
}
