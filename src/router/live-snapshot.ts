// LiveSnapshot: everything the dashboard shows, as of now. It holds no prompt text.
import { performance } from 'node:perf_hooks';
import type { Discovery } from '../discovery/discovery.js';
import type { Metrics } from '../metrics.js';
import { TIER } from '../native.js';
import type { PrefixIndex } from '../prefix/prefix-index.js';
import type { PoolCounts } from '../tokenizer/tokenizer-pool.js';
import type { DecisionBook } from './decision-book.js';
import type { DecisionRecord } from './decision-log.js';
import type { DemoControls } from './demo-controls.js';
import type { Fleet } from './fleet.js';
import { queued, stateOf } from './heartbeat.js';
import type { LiveEndpoint } from './live-endpoint.js';

export interface SnapshotParts {
  readonly book: DecisionBook;
  readonly fleet: Fleet;
  readonly discovery: Pick<Discovery, 'states'>;
  readonly index: PrefixIndex;
  readonly queue: () => PoolCounts;
  readonly metrics: Metrics;
  readonly version: string;
  readonly plan: () => string;
  /** null: not a demo. */
  readonly demo: DemoControls | null;
}

const DECISIONS_SHOWN = 24;
const PREFIXES_SHOWN = 8;

export function liveSnapshot(parts: SnapshotParts): object {
  const { book, fleet, version, plan, demo } = parts;
  return {
    time: Date.now(),
    version,
    plan: plan(),
    demo: demo?.state() ?? null,
    ...trafficNow(book),
    ...stateOf(fleet),
    queued: queued(parts),
    index: indexNow(parts),
    endpoints: endpointsNow(parts),
    sources: parts.discovery.states,
    prefixes: prefixesNow(parts),
    misses: missesOf(parts),
    decisions: book.log.latest(DECISIONS_SHOWN).map(brief),
    point: book.traffic.points.at(-1) ?? null,
  };
}

function trafficNow({ traffic }: DecisionBook): object {
  const { total } = traffic;
  const minute = traffic.lastMinute();
  const reports = total.reportedPromptTokens > 0;
  return {
    total: {
      requests: total.requests,
      promptTokens: total.promptTokens,
      savedTokens: reports ? total.cachedTokens : total.matchedTokens,
      /** Whether engines say what they had in cache; else it is what we matched. */
      savedAsReported: reports,
    },
    minute: {
      requests: minute.requests,
      hitPredicted: minute.hitPredicted,
      hitActual: minute.hitActual,
      decisionP50Ms: minute.decisionMs.quantileMs(0.5),
      decisionP99Ms: minute.decisionMs.quantileMs(0.99),
      ttftP50Ms: minute.firstTokenMs.quantileMs(0.5),
      ttftP99Ms: minute.firstTokenMs.quantileMs(0.99),
    },
  };
}

function indexNow({ fleet, index }: SnapshotParts): object {
  const stats = index.stats();
  let copies = 0;
  for (const { endpoint } of fleet.all) {
    for (const tier of [TIER.gpu, TIER.cpu, TIER.storage]) {
      copies += index.blocksOf(endpoint.slot, tier);
    }
  }
  const copiesPerBlock = stats.blocks === 0 ? null : copies / stats.blocks;
  return { ...stats, copiesPerBlock, census: index.census() };
}

function endpointsNow({ fleet, index }: SnapshotParts): object[] {
  const nowMs = performance.now();
  const { all } = fleet;
  const weight = all.reduce((sum, live) => sum + live.traffic.weight(nowMs), 0);
  return all.map((live) => {
    const { endpoint, load, metrics } = live;
    return {
      name: endpoint.name,
      model: endpoint.model,
      available: live.available,
      reason: live.unavailability,
      trust: live.trust,
      trustReason: live.trustReason,
      running: metrics === null ? null : load.runningRequests,
      waiting: metrics === null ? null : load.waitingRequests,
      kvUsage: metrics === null ? null : load.kvCacheUsage,
      inflight: load.inflightRequests,
      inflightTokens: load.inflightTokens,
      blocks: index.blocksOf(endpoint.slot, TIER.gpu),
      share: weight < 0.5 ? null : live.traffic.weight(nowMs) / weight,
      hitRatio: live.traffic.hitRatio(nowMs),
      events: eventHealth(live),
    };
  });
}

function eventHealth({ events }: LiveEndpoint): object | null {
  if (events === null) return null;
  const { connected, lagSeconds, counts } = events;
  const { batches, gaps, replays, restarts, malformed } = counts;
  return { connected, lagSeconds, batches, gaps, replays, restarts, malformed };
}

/** Who holds the prefixes that requests were matched by most, now. */
function prefixesNow({ book, fleet, index }: SnapshotParts): object[] {
  const prefixes = book.hotPrefixes.top(PREFIXES_SHOWN, performance.now());
  return prefixes.map(({ hashes, blockCount, blockSizeTokens, weight, idleMs }) => {
    const triples = index.match(hashes);
    let holders = 0;
    for (let i = 0; i < triples.length; i += 3) {
      if ((triples[i + 1] ?? 0) >= blockCount) holders += 1;
    }
    return {
      id: (hashes.at(-1) ?? 0n).toString(16).padStart(16, '0').slice(0, 8),
      tokens: blockCount * blockSizeTokens,
      weight,
      idleSeconds: idleMs / 1000,
      holders,
      endpoints: fleet.all.length,
    };
  });
}

/** Answers whose cached tokens were not those predicted, by likely cause. */
function missesOf({ metrics }: SnapshotParts): object[] {
  return [...metrics.matchMismatches.all].map(({ values, series }) => {
    return { cause: values[0] ?? '', count: series.value };
  });
}

function brief(record: DecisionRecord): object {
  const { id, time, model, endpoint, promptTokens, matchedTokens, trust } = record;
  const { decisionUs, outcome, cachedTokens, timeToFirstTokenMs, candidates } = record;
  const scores = candidates.pickedScores;
  return {
    ...{ id, time, model, endpoint, promptTokens, matchedTokens, trust, decisionUs },
    ...{ outcome, cachedTokens, timeToFirstTokenMs, scores },
  };
}
