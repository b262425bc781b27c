// Candidates for scheduler tests.
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
