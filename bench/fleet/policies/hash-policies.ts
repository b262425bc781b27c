// Policies that hash something of the request to an engine. Weights of rendezvous hashing: an engine
// that leaves or joins moves only its own share.
import type { FleetRequest, PolicyKind } from '../policy.js';
import { mix32 } from '../random.js';
import { bookedPolicy, cheapest } from './booked-policy.js';

/** SMG and vllm-router's prefix_hash look at this much of the prompt. */
const KEY_TOKENS = 256;
/** Load over the mean at which the ring is walked on (SMG prefix_hash). */
const LOAD_FACTOR = 1.25;

const weight = (key: number, slot: number) => mix32(key ^ mix32(slot + 1));

function prefixKey({ hashes, promptTokens }: FleetRequest, blockSizeTokens: number): number {
  const blocks = Math.floor(Math.min(promptTokens, KEY_TOKENS) / blockSizeTokens);
  const hash = hashes[Math.max(0, blocks - 1)] ?? 0n;
  return mix32(Number(hash & 0xffffffffn) ^ mix32(Number(hash >> 32n)));
}

export const session: PolicyKind = {
  name: 'session',
  about: 'hash of the session or user; fewest requests in flight where there is none',
  create: ({ random }) =>
    bookedPolicy(({ session, promptTokens }, slots, load) => {
      const cost =
        session === null
          ? (slot: number) => load.requests(slot)
          : (slot: number) => -weight(mix32(session), slot);
      return { slot: cheapest(slots, cost, random), uncachedTokens: promptTokens };
    }),
};

export const prefixHash: PolicyKind = {
  name: 'prefix-hash',
  about: `hash of the first ${KEY_TOKENS} prompt tokens`,
  create: ({ random, blockSizeTokens }) =>
    bookedPolicy((request, slots) => {
      const key = prefixKey(request, blockSizeTokens);
      const slot = cheapest(slots, (slot) => -weight(key, slot), random);
      return { slot, uncachedTokens: request.promptTokens };
    }),
};

export const boundedHash: PolicyKind = {
  name: 'bounded-hash',
  about: `hash of the first ${KEY_TOKENS} prompt tokens, the next engine while requests in flight exceed ${LOAD_FACTOR} of the mean (SMG prefix_hash)`,
  create: ({ random, blockSizeTokens }) =>
    bookedPolicy((request, slots, load) => {
      const key = prefixKey(request, blockSizeTokens);
      const total = slots.reduce((sum, slot) => sum + load.requests(slot), 0);
      const bound = Math.max(1, (LOAD_FACTOR * (total + 1)) / slots.length);
      const open = slots.filter((slot) => load.requests(slot) + 1 <= bound);
      const candidates = open.length === 0 ? slots : open;
      const slot = cheapest(candidates, (slot) => -weight(key, slot), random);
      return { slot, uncachedTokens: request.promptTokens };
    }),
};
