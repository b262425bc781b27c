// Candidates for scheduler tests, and a random source that repeats from a seed.
import type { EndpointLoad } from '../../src/endpoint/endpoint.js';
import type { Candidate, SchedulingRequest } from '../../src/scheduler/scheduler.js';

export const REQUEST: SchedulingRequest = { promptTokens: 320, loraName: null, prefixHeat: 0 };

const IDLE: EndpointLoad = {
  waitingRequests: 0,
  runningRequests: 0,
  kvCacheUsage: 0,
  inflightRequests: 0,
  inflightTokens: 0,
  inflightContextTokens: 0,
  recentTokens: 0,
  prefillMsPerToken: null,
  otherTokens: 0,
  otherRequests: 0,
  lora: null,
};

/** An idle endpoint of 20 blocks a request that holds nothing, except for what is given. */
export function candidate(
  slot: number,
  given: Partial<Omit<Candidate, 'load' | 'endpoint'>> = {},
  load: Partial<EndpointLoad> = {},
): Candidate {
  const matchedBlocks = given.matchedBlocks ?? 0;
  return {
    endpoint: {
      slot,
      epoch: 1,
      name: `e${slot}`,
      url: `http://e${slot}`,
      model: 'm',
      kvEvents: null,
      kvReplay: null,
      dataParallelRank: null,
    },
    load: { ...IDLE, ...load },
    trust: 'exact',
    predictedBlocks: 0,
    credit: matchedBlocks,
    blockCount: 20,
    blockSizeTokens: 16,
    ...given,
    matchedBlocks,
  };
}

/** mulberry32: numbers in [0, 1) that repeat from a seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed that a failing test prints. */
export function freshSeed(): number {
  return Math.floor(Math.random() * 2 ** 32);
}
