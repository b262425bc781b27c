// Brings every metric that is a state rather than a count of ours up to date, when somebody looks.

import type { Discovery } from '../discovery/discovery.js';
import type { MetricsPage } from '../metrics/registry.js';
import type { Metrics } from '../metrics.js';
import { TIER } from '../native.js';
import type { PrefixIndex } from '../prefix/prefix-index.js';
import type { TokenizerCaches } from '../tokenizer/tokenizer-cache.js';
import type { PoolCounts } from '../tokenizer/tokenizer-pool.js';
import type { Fleet } from './fleet.js';
import type { LiveEndpoint } from './live-endpoint.js';
import type { ThreadState } from './readiness.js';

export interface GaugeSources {
  readonly discovery: Pick<Discovery, 'states'>;
  readonly fleet: Fleet;
  readonly index: PrefixIndex;
  readonly queue: () => PoolCounts;
  readonly caches: () => TokenizerCaches;
  readonly threads: () => readonly ThreadState[];
  readonly metrics: Metrics;
}

const TRUSTS = ['exact', 'rehashed', 'degraded', 'estimated', 'none'] as const;
const EVENT_TYPES = ['stored', 'removed', 'cleared', 'malformed', 'ignored'] as const;
const NONE = {};
const STARTED_SECONDS = Date.now() / 1000 - process.uptime();

/** `GET /metrics`, in the format that the `Accept` header asks for. */
export function metricsPage(sources: GaugeSources, accept: string | undefined): MetricsPage {
  const { fleet, index, metrics } = sources;
  forgetAbsent(fleet, metrics);
  for (const live of fleet.all) observeEndpoint(live, index, metrics);
  observeDiscovery(sources.discovery, metrics);
  observeIndex(index, metrics);
  observeQueue(sources.queue(), metrics);
  observeCaches(sources.caches(), metrics);
  observeThreads(sources.threads(), metrics);
  observeProcess(metrics);
  return metrics.registry.page(accept);
}

/** Endpoints that are gone must not leave their last values behind, or a fleet that scales up and down
 * would grow the page for ever; their last requests count after they left. */
function forgetAbsent(fleet: Fleet, metrics: Metrics): void {
  const present = new Set(fleet.all.map(({ endpoint }) => endpoint.name));
  for (const name of metrics.registry.valuesOf('endpoint')) {
    // Requests that went to no endpoint have an empty one.
    if (name !== '' && !present.has(name)) metrics.registry.forget('endpoint', name);
  }
}

function observeEndpoint(live: LiveEndpoint, index: PrefixIndex, metrics: Metrics): void {
  const { endpoint, load, events } = live;
  const labels = { endpoint: endpoint.name };
  metrics.endpointBlocks.set(labels, index.blocksOf(endpoint.slot, TIER.gpu));
  metrics.endpointHealthy.set(labels, live.available ? 1 : 0);
  metrics.endpointDraining.set(labels, live.draining ? 1 : 0);
  metrics.inflightRequests.set(labels, load.inflightRequests);
  metrics.inflightTokens.set(labels, load.inflightTokens);
  for (const state of TRUSTS) {
    metrics.endpointTrust.set({ ...labels, state }, live.trust === state ? 1 : 0);
  }
  if (events === null) return;
  const { counts, lagSeconds } = events;
  if (lagSeconds !== null) metrics.eventLagSeconds.set(labels, lagSeconds);
  for (const type of EVENT_TYPES) metrics.events.at({ ...labels, type }).value = counts[type];
  metrics.eventGaps.at(labels).value = counts.gaps;
  metrics.eventRestarts.at(labels).value = counts.restarts;
  metrics.eventReplays.at(labels).value = counts.replays;
}

function observeDiscovery({ states }: Pick<Discovery, 'states'>, metrics: Metrics): void {
  metrics.discoveredEndpoints.reset();
  metrics.discoveryFollowing.reset();
  for (const { model, kind, endpoints, failure, told, failures } of states) {
    const labels = { model, source: kind };
    metrics.discoveredEndpoints.set(labels, endpoints);
    if (kind === 'static') continue;
    metrics.discoveryFollowing.set(labels, told && failure === null ? 1 : 0);
    metrics.discoveryFailures.at(labels).value = failures;
  }
}

function observeIndex(index: PrefixIndex, metrics: Metrics): void {
  const { blocks, bytes, maxBytes, refusedBlocks } = index.stats();
  metrics.indexBlocks.set(NONE, blocks);
  metrics.indexBytes.set(NONE, bytes);
  metrics.indexMaxBytes.set(NONE, maxBytes);
  metrics.indexRefused.set(NONE, refusedBlocks);
}

function observeQueue(counts: PoolCounts, metrics: Metrics): void {
  metrics.queueDepth.set(NONE, counts.waiting);
  metrics.queueRunning.set(NONE, counts.running);
  metrics.queueRefused.at(NONE).value = counts.refused;
  metrics.queueOverdue.at(NONE).value = counts.overdue;
  metrics.matchedPrompts.at({ where: 'main' }).value = counts.quick;
  metrics.matchedPrompts.at({ where: 'thread' }).value = counts.threaded;
}

function observeCaches(caches: TokenizerCaches, metrics: Metrics): void {
  for (const [cache, stats] of Object.entries(caches)) {
    const { hits, misses, hitBytes, missedBytes, bytes } = stats;
    metrics.tokenizerCacheLookups.at({ cache, result: 'hit' }).value = hits;
    metrics.tokenizerCacheLookups.at({ cache, result: 'miss' }).value = misses;
    metrics.tokenizerCacheLookupBytes.at({ cache, result: 'hit' }).value = hitBytes;
    metrics.tokenizerCacheLookupBytes.at({ cache, result: 'miss' }).value = missedBytes;
    metrics.tokenizerCacheBytes.set({ cache }, bytes);
  }
}

function observeThreads(threads: readonly ThreadState[], metrics: Metrics): void {
  for (const { kind: thread, deaths, ready, wanted } of threads) {
    metrics.threadDeaths.at({ thread }).value = deaths;
    metrics.threadsReady.set({ thread }, ready);
    metrics.threadsWanted.set({ thread }, wanted);
  }
}

function observeProcess(metrics: Metrics): void {
  const { user, system } = process.cpuUsage();
  metrics.processCpuSeconds.at(NONE).value = (user + system) / 1e6;
  metrics.processMemory.set(NONE, process.memoryUsage.rss());
  metrics.processStart.set(NONE, STARTED_SECONDS);
}
