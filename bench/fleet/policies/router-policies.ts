// Policies that the router itself runs: its scorers, filters, picker, booking and prediction.
import {
  DEFAULT_PLAN,
  type SchedulingPlan,
  SEED_PLAN,
} from '../../../src/config/scheduling-plan.js';
import { createScheduler, type Scheduler } from '../../../src/scheduler/scheduler.js';
import { VirtualRouter } from '../../../src/sim/virtual-router.js';
import type { FleetPolicy, PolicyKind, PolicySetting } from '../policy.js';

const INDEX_BYTES = 2 ** 31;

/** `isOurs`: it predicts what requests on their way will store, and tells its replicas its load. */
export function routerPolicy(
  scheduler: Scheduler,
  isOurs: boolean,
  { fleet, blockSizeTokens, random }: PolicySetting,
): FleetPolicy {
  const router = new VirtualRouter({
    scheduler,
    predicts: isOurs,
    clock: fleet.clock,
    blockSizeTokens,
    indexMaxBytes: INDEX_BYTES,
    random,
  });
  return {
    // Without the choice, which would stay in memory for as long as the request runs.
    place(request, slots) {
      const { slot, firstToken, end } = router.route(request, slots);
      return { slot, firstToken, end };
    },
    onEvents: (slot, events) => router.onEvents(slot, events),
    onMetrics: (slot, metrics) => router.onMetrics(slot, metrics),
    onRestart: (slot) => router.onRestart(slot),
    get isIdle() {
      return router.isIdle;
    },
    close: () => router.close(),
    ...(isOurs
      ? {
          ownLoad: (slot) => router.ownLoad(slot),
          hearPeers: (slot, load) => router.hearPeers(slot, load),
        }
      : {}),
  };
}

const MAX_TTFT_PENALTY_MS = 18_000;
const QUEUE_THRESHOLD_TOKENS = 4_194_304;

export const llmDCurrent: PolicyKind = {
  name: 'llm-d-sticky',
  about: `only engines with 0.8 of the prompt, unless they would answer ${MAX_TTFT_PENALTY_MS} ms later; then least uncached tokens in flight (llm-d's recommendation of August 2026)`,
  create(setting) {
    const plan: SchedulingPlan = {
      ...SEED_PLAN,
      filters: [
        {
          type: 'prefix-cache-affinity-filter',
          name: 'prefix-cache-affinity-filter',
          parameters: {
            affinityThreshold: 0.8,
            explorationProbability: 0,
            maxTTFTPenaltyMs: MAX_TTFT_PENALTY_MS,
            peakPrefillThroughput: setting.prefillTokensPerSecond,
          },
        },
      ],
      scorers: [
        {
          type: 'token-load-scorer',
          name: 'token-load-scorer',
          weight: 1,
          parameters: { queueThresholdTokens: QUEUE_THRESHOLD_TOKENS },
        },
      ],
    };
    return routerPolicy(createScheduler(plan), false, setting);
  },
};

export const precise: PolicyKind = {
  name: 'precise',
  about: "the router with the seed's weights: 2 x matched share + 1 x load",
  create: (setting) => routerPolicy(createScheduler(SEED_PLAN), true, setting),
};

export const warmpath: PolicyKind = {
  name: 'warmpath',
  about:
    'the router by default: least expected delay, of the request and of those it makes wait (docs/decision.md)',
  create: (setting) => routerPolicy(createScheduler(DEFAULT_PLAN), true, setting),
};
