// Pickers: from totals to the order in which candidates are tried.
import type { PickerType } from '../config/scheduling-plan.js';

/** Fills `order` with the best candidates, the pick first, and returns how many shared first place.
 * A total of -Infinity is a candidate that was filtered out: it comes after all others. */
export type Picker = (totals: Float64Array, random: () => number, order: Uint32Array) => number;

export function createPicker(type: PickerType): Picker {
  switch (type) {
    case 'max-score-picker':
      return orderByKey;
    case 'weighted-random-picker':
      return byRandomKey(weightedKey);
    case 'random-picker':
      return byRandomKey((_total, random) => random());
  }
}

/** Highest key first; each place is drawn evenly among exact ties. Costs candidates x places. */
function orderByKey(keys: Float64Array, random: () => number, order: Uint32Array): number {
  const rest = new Uint32Array(keys.length);
  for (let i = 0; i < rest.length; i += 1) rest[i] = i;
  let tiedForFirst = 0;
  for (let place = 0; place < order.length; place += 1) {
    let best = place;
    let bestKey = Number.NEGATIVE_INFINITY;
    let tied = 0;
    for (let i = place; i < rest.length; i += 1) {
      const key = keys[rest[i] ?? 0] ?? 0;
      if (key > bestKey) tied = 0;
      else if (key < bestKey) continue;
      bestKey = key;
      tied += 1;
      // The n-th of equal keys replaces the earlier ones with probability 1/n.
      if (tied === 1 || random() * tied < 1) best = i;
    }
    const chosen = rest[best] ?? 0;
    rest[best] = rest[place] ?? 0;
    rest[place] = chosen;
    order[place] = chosen;
    if (place === 0) tiedForFirst = tied;
  }
  return tiedForFirst;
}

function byRandomKey(keyOf: (total: number, random: () => number) => number): Picker {
  return (totals, random, order) => {
    const keys = totals.map((total) => {
      return total === Number.NEGATIVE_INFINITY ? total : keyOf(total, random);
    });
    orderByKey(keys, random, order);
    return 1;
  };
}

/** Efraimidis and Spirakis (A-Res): u^(1/w), as a logarithm so that small weights do not all become
 * 0. Weight 0 comes after every other and evenly among its like. */
function weightedKey(total: number, random: () => number): number {
  const u = 1 - random();
  return total > 0 ? Math.log(u) / total : -Number.MAX_VALUE;
}
