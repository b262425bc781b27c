// Builds the router's long-lived parts from a configuration; `serve`, `demo` and `explain` share it.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/config.js';
import type { EventReport } from '../events/event-messages.js';
import { type EventThread, startEventThread } from '../events/event-thread.js';
import { createServer, type HttpServer } from '../http/server.js';
import { log } from '../log.js';
import { createMetrics } from '../metrics.js';
import { native } from '../native.js';
import { PredictedBlocks } from '../prefix/predicted-blocks.js';
import { PrefixIndex } from '../prefix/prefix-index.js';
import { createForwarder } from '../proxy/forwarder.js';
import { createAdmin } from '../router/admin.js';
import { createApi } from '../router/api.js';
import { Chooser } from '../router/choice.js';
import { DecisionBook } from '../router/decision-book.js';
import { Dispatcher } from '../router/dispatcher.js';
import { Fleet } from '../router/fleet.js';
import { MatchScores } from '../router/match-scores.js';
import { Router } from '../router/router.js';
import { createScheduler } from '../scheduler/scheduler.js';
import { TokenizerPool } from '../tokenizer/tokenizer-pool.js';
import { VERSION } from './version.js';

/** Decisions kept for people to look at. */
const DECISIONS_KEPT = 1000;
/** How often a drain looks whether the last request has ended. */
const DRAIN_LOOK_MS = 20;

export interface Assembly {
  readonly router: Router;
  readonly fleet: Fleet;
  readonly index: PrefixIndex;
  /** Listens on both ports; returns their URLs. */
  listen(): Promise<{ readonly url: string; readonly adminUrl: string }>;
  /** Refuses new connections, lets requests in flight end (at most `graceMs`), closes everything. */
  close(graceMs: number): Promise<void>;
}

/** Rejects with ConfigError when a tokenizer cannot be loaded or an address cannot be bound. */
export async function assemble(config: Config): Promise<Assembly> {
  const metrics = createMetrics();
  const { tierWeights, events: eventPlan } = config.scheduling;
  const index = PrefixIndex.open({
    maxBytes: config.index.maxBytes,
    tierWeights: [tierWeights?.gpu ?? 1, tierWeights?.cpu ?? 0.8, 0.5, 1],
  });
  const predicted = new PredictedBlocks();
  const forwarder = createForwarder({
    connectTimeoutMs: config.timeouts.connectMs,
    firstByteTimeoutMs: config.timeouts.firstByteMs,
    idleTimeoutMs: config.timeouts.idleMs,
  });
  const thread: EventThread = await startEventThread(
    {
      indexId: index.id,
      bind: config.kvEvents.bind ?? eventPlan.zmqEndpoint,
      topicPrefix: config.kvEvents.topicPrefix,
    },
    (report) => onReport(report, fleet),
  );
  const fleet: Fleet = new Fleet({
    models: config.models.map((model) => ({
      name: model.name,
      aliases: model.aliases,
      tokenizer: model.tokenizer,
      blockSizeTokens: model.blockSize ?? config.scheduling.blockSizeTokens,
      hashAlgorithm: model.hashAlgorithm,
      hashSeed: model.hashSeed ?? config.scheduling.hashSeed,
      maxModelLen: model.maxModelLen,
    })),
    endpointLimit: native.maxEndpoints,
    pollIntervalMs: config.metrics.pollMs,
    apiKey: null,
    events: thread,
    release: (url) => forwarder.release(url),
    random: Math.random,
  });
  const pool = new TokenizerPool({
    indexId: index.id,
    threads: config.tokenizer.threads,
    queueLimit: config.limits.queue,
    deadlineMs: config.timeouts.decisionMs,
  });
  await pool.ready(fleet.models());
  for (const model of config.models) {
    for (const { name, url, kvEvents, kvReplay, dataParallelRank } of model.endpoints.static) {
      fleet.add({ name, url, kvEvents, kvReplay, dataParallelRank, model: model.name });
    }
  }

  const scheduler = createScheduler(config.scheduling);
  const chooser = new Chooser(scheduler, new MatchScores(), predicted, Math.random);
  const book = new DecisionBook(DECISIONS_KEPT, metrics);
  const dispatcher = new Dispatcher({
    fleet,
    chooser,
    predicted,
    forwarder,
    book,
    metrics,
    retries: config.limits.retries,
    exposeHeaders: config.headers,
  });
  const bodyLimitBytes = config.limits.bodyBytes;
  const router = new Router({
    matcher: pool,
    fleet,
    chooser,
    dispatcher,
    book,
    metrics,
    bodyLimitBytes,
  });
  let draining = false;
  const api = createServer(createApi({ router, fleet, index, metrics, version: VERSION }));
  const admin = createServer(
    createAdmin({ router, fleet, book, index, metrics, bodyLimitBytes, draining: () => draining }),
  );
  log.info('scheduling', { plan: scheduler.description });

  return {
    router,
    fleet,
    index,
    async listen() {
      const { host, port, adminPort } = config.listen;
      const bound = await api.listen(host, port);
      const adminBound = await admin.listen(host, adminPort);
      const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
      return { url: `http://${shown}:${bound}`, adminUrl: `http://${shown}:${adminBound}` };
    },
    async close(graceMs) {
      draining = true;
      api.stopAccepting();
      await drained(api, graceMs);
      api.close();
      admin.close();
      fleet.close();
      await Promise.all([thread.close(), pool.close(), forwarder.close()]);
      index.close();
    },
  };
}

async function drained(server: HttpServer, graceMs: number): Promise<void> {
  const deadline = performance.now() + graceMs;
  while (server.openExchanges > 0 && performance.now() < deadline) await delay(DRAIN_LOOK_MS);
  if (server.openExchanges > 0) {
    log.warn('requests cut at the end of the drain', { requests: server.openExchanges });
  }
}

function onReport(report: EventReport, fleet: Fleet): void {
  switch (report.type) {
    case 'state':
      fleet.eventStates(report.states);
      break;
    case 'ready':
      if (report.boundTo !== null) log.info('engines may connect', { address: report.boundTo });
      break;
    case 'unknown-topic':
      log.warn('events under a topic that names no endpoint', { topic: report.topic });
      break;
    case 'failed':
      log.error('the event thread failed: matches grow stale', { reason: report.message });
      break;
  }
}
