// Builds the read path: what stands between the API and the engines for every request.
import { performance } from 'node:perf_hooks';
import type { Config } from '../config/config.js';
import type { Metrics } from '../metrics.js';
import type { PredictedBlocks } from '../prefix/predicted-blocks.js';
import { PrefixHeat } from '../prefix/prefix-heat.js';
import type { PrefixIndex } from '../prefix/prefix-index.js';
import type { RoutingHistory } from '../prefix/routing-history.js';
import type { Forwarder } from '../proxy/forwarder.js';
import { Admission } from '../router/admission.js';
import { Chooser } from '../router/choice.js';
import { DecisionBook } from '../router/decision-book.js';
import { Dispatcher } from '../router/dispatcher.js';
import { EnginePrompts } from '../router/engine-prompts.js';
import type { Fleet } from '../router/fleet.js';
import { MatchScores } from '../router/match-scores.js';
import { RetryPolicy } from '../router/retry-policy.js';
import { Router } from '../router/router.js';
import { StoredResponses } from '../router/stored-responses.js';
import { TokenParity } from '../router/token-parity.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import type { TokenizerPool } from '../tokenizer/tokenizer-pool.js';
import { live } from './live-parts.js';

export interface ReadPathParts {
  readonly index: PrefixIndex;
  readonly predicted: PredictedBlocks;
  readonly history: RoutingHistory;
  readonly forwarder: Forwarder;
  readonly fleet: Fleet;
  readonly pool: TokenizerPool;
  readonly metrics: Metrics;
  /** As of now, which may be another than a moment ago. */
  readonly settings: () => Config;
  readonly scheduler: () => Scheduler;
}

export interface ReadPath {
  readonly router: Router;
  readonly book: DecisionBook;
}

export function createReadPath(parts: ReadPathParts): ReadPath {
  const { index, predicted, history, forwarder, fleet, pool, metrics, settings, scheduler } = parts;
  const nowMs = () => performance.now();
  const chooser = new Chooser(
    live(
      {
        scores: new MatchScores(),
        ...{ predicted, history, random: Math.random },
        heat: new PrefixHeat(nowMs),
      },
      () => ({ scheduler: scheduler() }),
    ),
  );
  const book = new DecisionBook({ limit: settings().limits.decisionsKept, index, metrics });
  const dispatcher = new Dispatcher(
    live(
      {
        ...{ fleet, chooser, predicted, history, forwarder, book, metrics },
        retry: new RetryPolicy(Math.random),
      },
      () => ({ attempts: settings().limits.attempts, exposeHeaders: settings().decisionHeaders }),
    ),
  );
  const admission = new Admission(
    live(
      {
        nowMs,
        onWaiting: (model: string, count: number) => metrics.waitingRequests.set({ model }, count),
      },
      () => ({
        inflightMax: settings().limits.inflightRequests,
        waitingMax: settings().limits.waitingRequests,
        waitMs: settings().timeouts.queueMs,
      }),
    ),
  );
  const asking = { matcher: pool, fleet, forwarder, metrics };
  const matcher = new EnginePrompts(
    live({ ...asking }, () => ({ deadlineMs: settings().timeouts.matchMs })),
  );
  const parity = new TokenParity(
    live({ ...asking, random: Math.random }, () => ({
      rate: settings().monitor.tokenParityRate,
      timeoutMs: settings().monitor.timeoutMs,
    })),
  );
  const responses = new StoredResponses(fleet, nowMs);
  const router = new Router(
    live(
      { matcher, fleet, chooser, dispatcher, book, admission, responses, metrics, parity },
      () => ({ bodyLimitBytes: settings().limits.bodyBytes }),
    ),
  );
  return { router, book };
}
