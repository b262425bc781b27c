// Builds the router's long-lived parts from a configuration; `serve`, `demo` and `explain` share it.
import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import { peerKey } from '../access/admin-gate.js';
import { ApiGate } from '../access/api-gate.js';
import type { Config } from '../config/config.js';
import { type ConfigChange, configChange } from '../config/config-change.js';
import { Discovery } from '../discovery/discovery.js';
import { startEventThread } from '../events/event-thread.js';
import type { HttpImplementation } from '../http/server.js';
import { configureLog, log } from '../log.js';
import { createMetrics, type Metrics } from '../metrics.js';
import { native } from '../native.js';
import { PredictedBlocks } from '../prefix/predicted-blocks.js';
import { PrefixIndex } from '../prefix/prefix-index.js';
import { RoutingHistory } from '../prefix/routing-history.js';
import { questionDispatcher } from '../proxy/engine-tls.js';
import { createForwarder } from '../proxy/forwarder.js';
import { Replica } from '../replica/replica.js';
import { createAdmin } from '../router/admin.js';
import { createApi } from '../router/api.js';
import { DashboardFiles } from '../router/dashboard-files.js';
import type { DemoControls } from '../router/demo-controls.js';
import { EngineControl } from '../router/engine-control.js';
import { Fleet } from '../router/fleet.js';
import { metricsPage } from '../router/gauges.js';
import { Heartbeat } from '../router/heartbeat.js';
import { LiveFeed } from '../router/live-feed.js';
import { liveSnapshot } from '../router/live-snapshot.js';
import { readiness } from '../router/readiness.js';
import type { Router } from '../router/router.js';
import { createScheduler, type Scheduler } from '../scheduler/scheduler.js';
import { onEventReport } from './event-reports.js';
import { letHeapGrow } from './heap-growth.js';
import { live } from './live-parts.js';
import { type Matching, startMatching } from './matching.js';
import { fleetModel, requestLimits, withTokenizerFolders } from './model-settings.js';
import { Ports } from './ports.js';
import { createReadPath } from './read-path.js';
import { requestTracer } from './request-tracing.js';
import { threadStates } from './thread-states.js';
import { VERSION } from './version.js';

/** A source of endpoints that does not answer must not keep the router from serving what it knows. */
const DISCOVERY_WAIT_MS = 10_000;

export interface Assembly {
  readonly router: Router;
  readonly fleet: Fleet;
  readonly discovery: Discovery;
  readonly index: PrefixIndex;
  readonly matcher: Matching['pool'];
  /** Topics of events that name no endpoint. */
  readonly unknownTopics: ReadonlySet<string>;
  /** Listens on both ports; returns their URLs. */
  listen(): Promise<{ readonly url: string; readonly adminUrl: string }>;
  readonly metrics: Metrics;
  /** Takes another configuration over, for what comes from now on; requests in flight end as they began.
   * Rejects with ConfigError when it cannot be used: then nothing has changed. */
  change(config: Config): Promise<Omit<ConfigChange, 'config'>>;
  /** Refuses new connections, lets requests in flight end (at most `graceMs`), closes everything. */
  close(graceMs: number): Promise<void>;
}

/** What the demo and tests put in place of the usual. */
export interface AssemblyExtras {
  readonly scheduler?: Scheduler;
  readonly demo?: DemoControls | null;
  readonly httpImplementation?: HttpImplementation;
}

/** Rejects with ConfigError when a tokenizer cannot be loaded or an address cannot be bound. */
export async function assemble(
  loaded: Config,
  { scheduler: given, demo = null, httpImplementation = 'auto' }: AssemblyExtras = {},
): Promise<Assembly> {
  letHeapGrow();
  const config = await withTokenizerFolders(loaded);
  let current = config;
  let scheduler = given ?? createScheduler(config.scheduling);
  const nowMs = () => performance.now();
  const metrics = createMetrics();
  metrics.buildInfo.set({ version: VERSION }, 1);
  const { gpu, cpu, storage } = config.index.tierWeights;
  const index = PrefixIndex.open({
    maxBytes: config.index.maxBytes,
    tierWeights: [gpu, cpu, storage, 1],
  });
  const predicted = new PredictedBlocks(config.index.predictedTtlMs);
  const history = new RoutingHistory(nowMs);
  const forwarder = createForwarder(
    live({ connectTimeoutMs: config.timeouts.connectMs, tls: config.tls }, () => ({
      firstByteTimeoutMs: current.timeouts.firstByteMs,
      idleTimeoutMs: current.timeouts.idleMs,
    })),
  );
  const fleet = new Fleet(
    live(
      {
        models: config.models.map(fleetModel),
        endpointLimit: native.maxEndpoints,
        history,
        predicted,
        release: (url: string) => forwarder.release(url),
        random: Math.random,
        questions: questionDispatcher(config.tls),
      },
      () => ({ monitor: current.monitor, limits: requestLimits(current.limits) }),
    ),
  );
  const unknownTopics = new Set<string>();
  const thread = await startEventThread({ indexId: index.id, ...config.kvEvents }, (report) =>
    onEventReport(report, fleet, unknownTopics),
  );
  let matching: Matching;
  try {
    matching = await startMatching(index, fleet.models().forPool, () => current);
  } catch (failure) {
    await Promise.all([thread.close(), forwarder.close()]);
    throw failure;
  }
  const { pool, quick } = matching;
  const discovery = new Discovery({
    apply: (model, endpoints) => fleet.setEndpoints(model, endpoints),
    random: Math.random,
  });
  discovery.follow(config.models);
  await discovery.first(DISCOVERY_WAIT_MS);
  let draining = false;
  let hasServed = false;
  const replica = new Replica({
    ca: config.tls.ca,
    peers: config.peers,
    adminPort: config.listen.adminPort,
    peerKey: () => (current.access.adminKey === null ? null : peerKey(current.access.adminKey)),
    stateDir: config.stateDir,
    loadIntervalMs: config.peerLoadMs,
    ...{ software: VERSION, thread },
    sources: () => fleet.eventSources,
    ownLoad: (slot) => fleet.inflight(slot),
    onLoads: (loads) => fleet.hearPeers(loads),
    unready: () => (draining ? 'draining' : null),
  });
  await replica.start();
  fleet.follow(thread);
  // The first requests should already be hashed as the engines hash; a poll has a deadline.
  await fleet.lookedAt();

  const { router, book } = createReadPath({
    ...{ index, predicted, history, forwarder, fleet, pool, metrics },
    settings: () => current,
    scheduler: () => scheduler,
  });
  const bodyLimit = () => ({ bodyLimitBytes: current.limits.bodyBytes });
  const gate = new ApiGate(config.access, nowMs);
  const control = new EngineControl(
    live({ fleet, forwarder, metrics }, () => ({
      ...bodyLimit(),
      devRoutes: current.devRoutes,
    })),
  );
  const queue = () => pool.counts;
  const caches = () => quick.caches();
  const threads = () => threadStates(pool, thread);
  const availableEndpoints = () => fleet.available(null).length;
  const page = (accept: string | undefined) =>
    metricsPage({ fleet, discovery, index, queue, caches, threads, metrics }, accept);
  const heartbeat = new Heartbeat({ book, fleet, index, queue, metrics });
  const plan = () => scheduler.description;
  const seen = { book, fleet, discovery, index, queue, metrics, version: VERSION, plan, demo };
  const feed = new LiveFeed({ snapshot: () => liveSnapshot(seen) });
  const shared = { router, fleet, metrics, metricsPage: page };
  const tracer = await requestTracer(config.tracing, metrics);
  const requestLog = () => current.log;
  const api = createApi(
    live({ ...shared, control, version: VERSION, gate, requestLog, tracer }, () => ({
      ...bodyLimit(),
      timeoutMs: current.timeouts.firstByteMs,
      keepAliveMs: current.timeouts.keepAliveMs,
    })),
  );
  const readyNow = () =>
    readiness({ draining: () => draining, availableEndpoints, threads, nowMs });
  const admin = createAdmin(
    live(
      {
        ...{ ...shared, index, book, feed, demo, discovery, peerApi: replica.api },
        files: new DashboardFiles(),
        readiness: readyNow,
        adminKey: () => current.access.adminKey,
      },
      bodyLimit,
    ),
  );
  const closeParts = async () => {
    discovery.close();
    heartbeat.close();
    feed.close();
    fleet.close();
    book.mismatches.close();
    await forwarder.close();
    // Who only looks at a fleet, or found the port taken, leaves the file of the router as it is.
    if (hasServed) await replica.save();
    await Promise.all([thread.close(), pool.close(), replica.close(), tracer?.close()]);
    index.close();
  };
  let ports: Ports;
  try {
    ports = new Ports(config.listen, { api, admin }, metrics, httpImplementation);
  } catch (failure) {
    await closeParts();
    throw failure;
  }
  log.info('scheduling', { plan: scheduler.description });

  return {
    router,
    fleet,
    discovery,
    index,
    matcher: pool,
    unknownTopics,
    metrics,
    async change(wanted) {
      const next = await withTokenizerFolders(wanted);
      // What takes time or may fail comes first, so that the change itself can do neither.
      await matching.prepare(current.models, next.models);
      const { config: settled, changed, waiting } = configChange(current, next);
      ports.renew(settled.listen);
      const before = current;
      current = settled;
      configureLog(settled.log);
      gate.change(settled.access);
      if (!isDeepStrictEqual(before.scheduling, settled.scheduling)) {
        scheduler = createScheduler(settled.scheduling);
        log.info('scheduling', { plan: scheduler.description });
      }
      fleet.setModels(settled.models.map(fleetModel));
      discovery.follow(settled.models);
      return { changed, waiting };
    },
    async listen() {
      await replica.prepare();
      const urls = await ports.listen();
      hasServed = true;
      return urls;
    },
    async close(graceMs) {
      draining = true;
      await ports.drain(graceMs);
      // First of all, so that streams which are cut say so as long as their clients can hear it.
      await forwarder.close();
      ports.close();
      await closeParts();
    },
  };
}
