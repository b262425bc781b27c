// The fleet as people and Prometheus see it.

import { TIER } from '../native.js';
import type { PrefixIndex } from '../prefix/prefix-index.js';
import type { Fleet } from './fleet.js';

/** `GET /endpoints`. */
export function describeFleet(fleet: Fleet): object[] {
  return fleet.all.map((live) => {
    const { endpoint, health, events, metrics, load } = live;
    return {
      name: endpoint.name,
      url: endpoint.url,
      model: endpoint.model,
      slot: endpoint.slot,
      dataParallelRank: endpoint.dataParallelRank,
      healthy: health.healthy,
      draining: live.draining,
      joining: live.joining,
      reason: live.unavailability,
      trust: live.trust,
      trustReason: live.trustReason,
      hashSettings: events?.settings ?? null,
      load: {
        waitingRequests: load.waitingRequests,
        runningRequests: load.runningRequests,
        kvCacheUsage: load.kvCacheUsage,
        inflightRequests: load.inflightRequests,
        inflightTokens: load.inflightTokens,
        inflightContextTokens: load.inflightContextTokens,
        recentTokens: load.recentTokens,
        otherRequests: load.otherRequests,
        otherTokens: load.otherTokens,
        prefillMsPerToken: load.prefillMsPerToken,
      },
      engine: metrics,
      models: live.models,
      events:
        events === null
          ? null
          : {
              connected: events.connected,
              sequence: events.sequence,
              lagSeconds: events.lagSeconds,
              ...events.counts,
            },
    };
  });
}

/** `GET /index`. */
export function describeIndex(fleet: Fleet, index: PrefixIndex): object {
  const endpoints = fleet.all.map(({ endpoint: { name, slot } }) => ({
    endpoint: name,
    gpuBlocks: index.blocksOf(slot, TIER.gpu),
    cpuBlocks: index.blocksOf(slot, TIER.cpu),
    storageBlocks: index.blocksOf(slot, TIER.storage),
  }));
  return { ...index.stats(), census: index.census(), endpoints };
}

/** `GET /v1/models`: the union over the endpoints, in vLLM's form. */
export function modelCards(fleet: Fleet): ModelCard[] {
  const cards = new Map<string, ModelCard>();
  for (const { name, aliases, maxModelLen } of fleet.modelFacts()) {
    for (const id of [name, ...aliases]) {
      cards.set(id, card(id, name, null, maxModelLen));
    }
  }
  for (const live of fleet.all) {
    for (const { id, parent, maxModelLen } of live.models ?? []) {
      if (parent !== null && !cards.has(id)) cards.set(id, card(id, id, parent, maxModelLen));
    }
  }
  return [...cards.values()];
}

/** Unix seconds. vLLM gives the time of the answer; one moment keeps answers equal, and clients that
 * show or sort by it are not told 1970. */
const CREATED = Math.floor(Date.now() / 1000);

interface ModelCard {
  readonly id: string;
  readonly [field: string]: unknown;
}

function card(id: string, root: string, parent: string | null, length: number | null): ModelCard {
  return {
    id,
    object: 'model',
    created: CREATED,
    owned_by: 'vllm',
    root,
    parent,
    max_model_len: length,
    permission: [],
  };
}
