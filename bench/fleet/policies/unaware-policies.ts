// Policies that know nothing of caches: by chance, in turn, by load.
import type { PolicyKind } from '../policy.js';
import { bookedPolicy, cheapest } from './booked-policy.js';

export const random: PolicyKind = {
  name: 'random',
  about: 'any engine, evenly',
  create: ({ random }) =>
    bookedPolicy(({ promptTokens }, slots) => {
      return { slot: cheapest(slots, () => 0, random), uncachedTokens: promptTokens };
    }),
};

export const roundRobin: PolicyKind = {
  name: 'round-robin',
  about: 'engines in turn',
  create: () => {
    let turn = 0;
    return bookedPolicy(({ promptTokens }, slots) => {
      turn = (turn + 1) % slots.length;
      return { slot: slots[turn] ?? 0, uncachedTokens: promptTokens };
    });
  },
};

export const load: PolicyKind = {
  name: 'load',
  about: "fewest requests in flight by the router's own count, ties at random",
  create: ({ random }) =>
    bookedPolicy(({ promptTokens }, slots, load) => {
      const slot = cheapest(slots, (slot) => load.requests(slot), random);
      return { slot, uncachedTokens: promptTokens };
    }),
};
