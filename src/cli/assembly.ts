// Builds the router's long-lived parts from a configuration; `serve`, `demo` and `explain` share it.
import { performance } from 'node:perf_hooks';
import { ApiGate } from '../access/api-gate.js';
import type { Config } from '../config/config.js';
import { Discovery } from '../discovery/discovery.js';
import type { EventReport } from '../events/event-messages.js';
import { startEventThread } from '../events/event-thread.js';
import { createServer } from '../http/server.js';
import { log } from '../log.js';
import { createMetrics } from '../metrics.js';
import { native } from '../native.js';
import { parseRequest } from '../openai/request-parser.js';
import { PredictedBlocks } from '../prefix/predicted-blocks.js';
import { PrefixHeat } from '../prefix/prefix-heat.js';
import { PrefixIndex } from '../prefix/prefix-index.js';
import { RoutingHistory } from '../prefix/routing-history.js';
import { questionDispatcher } from '../proxy/engine-tls.js';
import { createForwarder } from '../proxy/forwarder.js';
import { createAdmin } from '../router/admin.js';
import { Admission } from '../router/admission.js';
import { createApi } from '../router/api.js';
import { Chooser } from '../router/choice.js';
import { DashboardFiles } from '../router/dashboard-files.js';
import { DecisionBook } from '../router/decision-book.js';
import type { DemoControls } from '../router/demo-controls.js';
import { Dispatcher } from '../router/dispatcher.js';
import { EngineControl } from '../router/engine-control.js';
import { EnginePrompts } from '../router/engine-prompts.js';
import { Fleet } from '../router/fleet.js';
import type { FleetModel } from '../router/fleet-model.js';
import { metricsPage } from '../router/gauges.js';
import { Heartbeat } from '../router/heartbeat.js';
import { LiveFeed } from '../router/live-feed.js';
import { liveSnapshot } from '../router/live-snapshot.js';
import { MatchScores } from '../router/match-scores.js';
import { RetryPolicy } from '../router/retry-policy.js';
import { Router } from '../router/router.js';
import { StoredResponses } from '../router/stored-responses.js';
import { TokenParity } from '../router/token-parity.js';
import { createScheduler, type Scheduler } from '../scheduler/scheduler.js';
import { RequestMatcher } from '../tokenizer/match-request.js';
import { QuickMatcher } from '../tokenizer/quick-matcher.js';
import { TokenizerPool } from '../tokenizer/tokenizer-pool.js';
import { drained } from './drain.js';
import { letHeapGrow } from './heap-growth.js';
import { VERSION } from './version.js';

/** A source of endpoints that does not answer must not keep the router from serving what it knows. */
const DISCOVERY_WAIT_MS = 10_000;

export interface Assembly {
  readonly router: Router;
  readonly fleet: Fleet;
  readonly discovery: Discovery;
  readonly index: PrefixIndex;
  readonly matcher: TokenizerPool;
  /** Topics of events that name no endpoint. */
  readonly unknownTopics: ReadonlySet<string>;
  /** Listens on both ports; returns their URLs. */
  listen(): Promise<{ readonly url: string; readonly adminUrl: string }>;
  /** Refuses new connections, lets requests in flight end (at most `graceMs`), closes everything. */
  close(graceMs: number): Promise<void>;
}

/** What the demo puts in place of the usual. */
export interface AssemblyExtras {
  readonly scheduler?: Scheduler;
  readonly demo?: DemoControls | null;
}

/** Rejects with ConfigError when a tokenizer cannot be loaded or an address cannot be bound. */
export async function assemble(
  config: Config,
  { scheduler = createScheduler(config.scheduling), demo = null }: AssemblyExtras = {},
): Promise<Assembly> {
  letHeapGrow();
  const metrics = createMetrics();
  metrics.buildInfo.set({ version: VERSION }, 1);
  const { gpu, cpu, storage } = config.index.tierWeights;
  const index = PrefixIndex.open({
    maxBytes: config.index.maxBytes,
    tierWeights: [gpu, cpu, storage, 1],
  });
  const predicted = new PredictedBlocks();
  const history = new RoutingHistory(performance.now.bind(performance));
  const forwarder = createForwarder({
    connectTimeoutMs: config.timeouts.connectMs,
    firstByteTimeoutMs: config.timeouts.firstByteMs,
    idleTimeoutMs: config.timeouts.idleMs,
    tls: config.tls,
  });
  const fleet = new Fleet({
    models: config.models.map(fleetModel),
    endpointLimit: native.maxEndpoints,
    history,
    predicted,
    monitor: config.monitor,
    release: (url) => forwarder.release(url),
    random: Math.random,
    questions: questionDispatcher(config.tls),
  });
  const unknownTopics = new Set<string>();
  const thread = await startEventThread({ indexId: index.id, ...config.kvEvents }, (report) =>
    onReport(report, fleet, unknownTopics),
  );
  fleet.follow(thread);
  const { limits } = config;
  const onMain = new RequestMatcher({
    parse: parseRequest,
    match: (hashes, triples) => index.native.match(hashes, triples),
    maxEndpoints: native.maxEndpoints,
    limits,
  });
  const quick = new QuickMatcher(onMain);
  const pool = new TokenizerPool({
    threads: config.tokenizer.threads,
    queueMax: config.limits.queuedRequests,
    deadlineMs: config.timeouts.matchMs,
    indexId: index.id,
    models: fleet.models().forPool,
    limits: { messages: limits.messages, promptTokens: limits.promptTokens },
    outline: (task) => onMain.outline(task),
    quick: (task) => quick.match(task),
  });
  try {
    await pool.ready();
    await quick.load(pool.quickFolders);
  } catch (failure) {
    await Promise.all([pool.close(), thread.close(), forwarder.close()]);
    throw failure;
  }
  const discovery = new Discovery({
    apply: (model, endpoints) => fleet.setEndpoints(model, endpoints),
    random: Math.random,
  });
  discovery.follow(config.models);
  await discovery.first(DISCOVERY_WAIT_MS);
  // The first requests should already be hashed as the engines hash; a poll has a deadline.
  await fleet.lookedAt();

  const chooser = new Chooser({
    scheduler,
    scores: new MatchScores(),
    predicted,
    history,
    heat: new PrefixHeat(performance.now.bind(performance)),
    random: Math.random,
  });
  const book = new DecisionBook({ limit: config.limits.decisionsKept, index, metrics });
  const dispatcher = new Dispatcher({
    fleet,
    chooser,
    predicted,
    history,
    forwarder,
    book,
    metrics,
    retry: new RetryPolicy(Math.random),
    attempts: config.limits.attempts,
    exposeHeaders: config.decisionHeaders,
  });
  const bodyLimitBytes = config.limits.bodyBytes;
  const { devRoutes } = config;
  const timeoutMs = config.timeouts.firstByteMs;
  const admission = new Admission({
    inflightMax: config.limits.inflightRequests,
    waitingMax: config.limits.waitingRequests,
    waitMs: config.timeouts.queueMs,
    nowMs: () => performance.now(),
    onWaiting: (model, count) => metrics.waitingRequests.set({ model }, count),
  });
  const router = new Router({
    matcher: new EnginePrompts({
      matcher: pool,
      fleet,
      forwarder,
      metrics,
      deadlineMs: config.timeouts.matchMs,
    }),
    fleet,
    chooser,
    dispatcher,
    book,
    admission,
    responses: new StoredResponses(fleet, () => performance.now()),
    metrics,
    parity: new TokenParity({
      matcher: pool,
      fleet,
      forwarder,
      metrics,
      rate: config.monitor.tokenParityRate,
      timeoutMs: config.monitor.timeoutMs,
      random: Math.random,
    }),
    bodyLimitBytes,
  });
  let draining = false;
  const gate = new ApiGate(config.access, () => performance.now());
  const control = new EngineControl({ fleet, forwarder, metrics, bodyLimitBytes, devRoutes });
  const queue = () => pool.counts;
  const caches = () => quick.caches();
  const page = (accept: string | undefined) =>
    metricsPage({ fleet, discovery, index, queue, caches, metrics }, accept);
  const heartbeat = new Heartbeat({ book, fleet, index, queue, metrics });
  const plan = () => scheduler.description;
  const seen = { book, fleet, discovery, index, queue, metrics, version: VERSION, plan, demo };
  const feed = new LiveFeed({ snapshot: () => liveSnapshot(seen) });
  const shared = { router, fleet, metrics, bodyLimitBytes, metricsPage: page };
  const api = createServer(
    createApi({
      ...shared,
      control,
      timeoutMs,
      keepAliveMs: config.timeouts.keepAliveMs,
      version: VERSION,
      gate,
      requestLog: () => config.log,
    }),
  );
  const admin = createServer(
    createAdmin({
      ...{ ...shared, index, book, feed, demo, discovery },
      files: new DashboardFiles(),
      draining: () => draining,
      adminKey: () => config.access.adminKey,
    }),
  );
  log.info('scheduling', { plan: scheduler.description });

  return {
    router,
    fleet,
    discovery,
    index,
    matcher: pool,
    unknownTopics,
    async listen() {
      const { host, port, adminHost, adminPort } = config.listen;
      const url = urlOf(host, await api.listen(host, port));
      return { url, adminUrl: urlOf(adminHost, await admin.listen(adminHost, adminPort)) };
    },
    async close(graceMs) {
      draining = true;
      api.stopAccepting();
      await drained(api, graceMs);
      // First of all, so that streams which are cut say so as long as their clients can hear it.
      await forwarder.close();
      api.close();
      discovery.close();
      heartbeat.close();
      feed.close();
      admin.close();
      fleet.close();
      book.mismatches.close();
      await Promise.all([thread.close(), pool.close()]);
      index.close();
    },
  };
}

function fleetModel(model: Config['models'][number]): FleetModel {
  const { chatTemplate, chatTemplateContentFormat, trustRequestChatTemplate } = model;
  return {
    name: model.name,
    aliases: model.aliases,
    tokenizer: model.tokenizer,
    rendersMedia: model.renderMedia,
    blockSizeTokens: model.blockSize,
    hashAlgorithm: model.hashAlgorithm,
    hashSeed: model.hashSeed,
    maxModelLen: model.maxModelLen,
    apiKey: model.apiKey,
    replaceAuthorization: model.replaceAuthorization,
    chat: {
      chatTemplateContentFormat,
      trustRequestChatTemplate,
      ...(chatTemplate === null ? {} : { chatTemplate }),
    },
  };
}

/** An address that means "all" is shown as one that can be opened. */
function urlOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

function onReport(report: EventReport, fleet: Fleet, unknownTopics: Set<string>): void {
  switch (report.type) {
    case 'state':
      fleet.eventStates(report.states);
      break;
    case 'removed':
      fleet.forgotten(report.slot);
      break;
    case 'ready':
      if (report.boundTo !== null) log.info('engines may connect', { address: report.boundTo });
      break;
    case 'unknown-topic':
      unknownTopics.add(report.topic);
      log.warn('events under a topic that names no endpoint', { topic: report.topic });
      break;
    case 'failed':
      log.error('the event thread failed: matches grow stale', { reason: report.message });
      break;
  }
}
