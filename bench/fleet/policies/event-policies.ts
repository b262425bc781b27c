// Other routers' policies on exact knowledge from KV events.
import { TIER } from '../../../src/native.js';
import { PrefixIndex } from '../../../src/prefix/prefix-index.js';
import { VirtualIndex } from '../../../src/sim/virtual-index.js';
import type { PolicyKind } from '../policy.js';
import { bookedPolicy, cheapest, hitLimit } from './booked-policy.js';
import { MatchedSlots } from './matched-slots.js';

const INDEX_BYTES = 2 ** 31;

/** The router's index, as events keep it. */
function eventIndex() {
  const index = new VirtualIndex(INDEX_BYTES);
  const matched = new MatchedSlots((hashes, triples) => index.match(hashes, triples));
  return { index, matched };
}

export const dynamo: PolicyKind = {
  name: 'dynamo',
  about:
    'least of (blocks to compute there, this prompt less its match included) + (blocks in use there with this prompt) (NVIDIA Dynamo, default weights)',
  create: ({ random, blockSizeTokens }) => {
    const { index, matched } = eventIndex();
    // Blocks of requests in flight: shared ones count once, so copies are counted natively.
    const active = PrefixIndex.open({ maxBytes: INDEX_BYTES });
    const activeMatch = new MatchedSlots((hashes, triples) => active.native.match(hashes, triples));
    return bookedPolicy(
      (request, slots, load) => {
        const { hashes, promptTokens } = request;
        const blocks = matched.of(hashes.subarray(0, hitLimit(request, blockSizeTokens)), slots);
        const inUse = activeMatch.of(hashes, slots);
        const prompt = promptTokens / blockSizeTokens;
        const cost = (slot: number) => {
          const waiting = load.tokens(slot) / blockSizeTokens;
          const prefill = Math.max(0, waiting + prompt - (blocks[slot] ?? 0));
          const incoming = hashes.length - (inUse[slot] ?? 0);
          return prefill + active.blocksOf(slot, TIER.gpu) + incoming;
        };
        const slot = cheapest(slots, cost, random);
        active.store(slot, TIER.gpu, hashes);
        const uncachedTokens = promptTokens - (blocks[slot] ?? 0) * blockSizeTokens;
        return { slot, uncachedTokens, end: () => active.remove(slot, TIER.gpu, hashes) };
      },
      {
        onEvents: (slot, events) => index.onEvents(slot, events),
        onRestart: (slot) => index.onRestart(slot),
        close() {
          index.close();
          active.close();
        },
      },
    );
  },
};

const WAITING_MAX = 128;

export const llmDSeed: PolicyKind = {
  name: 'llm-d',
  about: `2 x match between the least and the most of its holders + 0.5 x (1 - waiting / ${WAITING_MAX}) as scraped (llm-d v0.3 and v0.4, the seed's configuration)`,
  create: ({ random, blockSizeTokens }) => {
    const { index, matched } = eventIndex();
    const waiting: number[] = [];
    return bookedPolicy(
      (request, slots) => {
        const { hashes, promptTokens } = request;
        const blocks = matched.of(hashes.subarray(0, hitLimit(request, blockSizeTokens)), slots);
        const held = slots.map((slot) => blocks[slot] ?? 0).filter((count) => count > 0);
        const [least, most] = [Math.min(...held), Math.max(...held)];
        const cost = (slot: number) => {
          const count = blocks[slot] ?? 0;
          const share = count === 0 ? 0 : most === least ? 1 : (count - least) / (most - least);
          const queue = Math.min(waiting[slot] ?? 0, WAITING_MAX);
          return -(2 * share + 0.5 * (1 - queue / WAITING_MAX));
        };
        const slot = cheapest(slots, cost, random);
        const uncachedTokens = promptTokens - (blocks[slot] ?? 0) * blockSizeTokens;
        return { slot, uncachedTokens };
      },
      {
        onEvents: (slot, events) => index.onEvents(slot, events),
        onRestart: (slot) => index.onRestart(slot),
        onMetrics(slot, { waitingRequests }) {
          waiting[slot] = waitingRequests;
        },
        close: () => index.close(),
      },
    );
  },
};

/** Not a router: the reference that BENCHMARKS section 9 computes. */
export const oracle: PolicyKind = {
  name: 'oracle',
  about:
    "2 x matched share by the engines' true caches at this moment + idleness by requests in flight (the reference of BENCHMARKS section 9)",
  create: ({ random, blockSizeTokens, fleet }) =>
    bookedPolicy((request, slots, load) => {
      const { hashes, promptTokens } = request;
      const reusable = hashes.subarray(0, hitLimit(request, blockSizeTokens));
      const held = new Map(
        slots.map((slot) => [slot, fleet.engine(slot).leadingBlocks(reusable)] as const),
      );
      const counts = slots.map((slot) => load.requests(slot));
      const [least, most] = [Math.min(...counts), Math.max(...counts)];
      const cost = (slot: number) => {
        const share = hashes.length === 0 ? 0 : (held.get(slot) ?? 0) / hashes.length;
        const idle = most === least ? 1 : (most - load.requests(slot)) / (most - least);
        return -(2 * share + idle);
      };
      const slot = cheapest(slots, cost, random);
      const uncachedTokens = promptTokens - (held.get(slot) ?? 0) * blockSizeTokens;
      return { slot, uncachedTokens };
    }),
};
