import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Trust } from '../../src/endpoint/endpoint.js';
import { InflightLoad } from '../../src/endpoint/inflight-load.js';
import { newCounts } from '../../src/events/event-counts.js';
import type { EventCounts, EventState } from '../../src/events/event-messages.js';
import { createMetrics } from '../../src/metrics.js';
import { TIER } from '../../src/native.js';
import { ownChain } from '../../src/prefix/own-chain.js';
import { PrefixIndex } from '../../src/prefix/prefix-index.js';
import { CandidateTable } from '../../src/router/candidate-table.js';
import type { DecisionRecord } from '../../src/router/decision-log.js';
import { LiveEndpoint } from '../../src/router/live-endpoint.js';
import { MismatchLog } from '../../src/router/mismatch-log.js';
import { NO_IDS } from '../../src/router/request-ids.js';
import { candidate } from '../support/candidates.js';

const SLOT = 5;
const BLOCK = 16;
const HASHES = BigUint64Array.from([11n, 12n, 13n, 14n]);
const NO_DECISION = {
  pick: 0,
  totals: new Float64Array(0),
  columns: [],
  order: new Uint32Array(0),
  tied: 1,
};
const RECORD: DecisionRecord = {
  ...NO_IDS,
  blockSizeTokens: BLOCK,
  unmatched: null,
  plan: '',
  attempt: 1,
  weights: {},
  id: 1,
  time: '2026-01-01T00:00:00.000Z',
  model: 'm',
  loraName: null,
  prefixHeat: 0,
  promptTokens: 100,
  blockCount: 4,
  endpoint: 'e5',
  matchedTokens: 0,
  trust: 'exact',
  tied: 1,
  decisionUs: 1,
  stagesUs: {},
  candidates: new CandidateTable({ candidates: [], decision: NO_DECISION }),
  outcome: null,
  cachedTokens: null,
  timeToFirstTokenMs: null,
};
const state = (counts: Partial<EventCounts> = {}): EventState => ({
  slot: SLOT,
  epoch: 1,
  trust: 'exact',
  reason: 'proven',
  settings: ownChain(BLOCK),
  connected: true,
  isBeingRepaired: false,
  sequence: 1,
  counts: { ...newCounts(), ...counts },
  lagSeconds: 0,
});

function start(t: TestContext, limit = 10) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const index = PrefixIndex.open({ maxBytes: 2 ** 20 });
  const metrics = createMetrics();
  const log = new MismatchLog({ limit, index, metrics });
  const given = candidate(SLOT, { blockSizeTokens: BLOCK });
  const live = new LiveEndpoint(given.endpoint, new InflightLoad(SLOT + 1), {
    failuresToUnhealthy: 3,
    successesToHealthy: 2,
  });
  live.hear(state());
  const compare = (
    predictedTokens: number,
    cachedTokens: number,
    { promptTokens = 100, trust = 'exact' }: { promptTokens?: number; trust?: Trust } = {},
  ) => {
    const match = {
      settings: 0,
      blockCount: HASHES.length,
      blockSizeTokens: BLOCK,
      hashes: HASHES,
      promptStarts: new Uint32Array(1),
      triples: new Uint32Array(0),
    };
    log.compare(
      {
        record: { ...RECORD, matchedTokens: predictedTokens },
        target: { ...given, trust, live, match },
        eventsThen: state(),
      },
      { promptTokens, cachedTokens, completionTokens: 1 },
      cachedTokens,
    );
  };
  const causes = () => {
    t.mock.timers.tick(500);
    return log.latest(10).map(({ cause }) => cause);
  };
  return { log, index, live, compare, causes, metrics };
}

test('what was predicted rightly is no mismatch', (t) => {
  const { compare, causes } = start(t);
  compare(48, 48);
  assert.deepEqual(causes(), []);
});

test('more cached than known, and known by now: the event was in flight', (t) => {
  const { compare, causes, index } = start(t);
  compare(16, 48);
  index.store(SLOT, TIER.gpu, HASHES.subarray(0, 3));
  assert.deepEqual(causes(), ['event in flight']);
});

test('more cached than known, and not known yet: nothing explains it', (t) => {
  const { compare, causes, index } = start(t);
  index.store(SLOT, TIER.gpu, HASHES.subarray(0, 2));
  compare(16, 48);
  assert.deepEqual(causes(), ['unknown']);
});

test('less cached than known is explained by evictions, a clear, or the last block', (t) => {
  const { compare, causes, live } = start(t);
  compare(48, 16);
  live.hear(state({ removed: 1 }));
  assert.deepEqual(causes(), ['evicted since']);
  compare(48, 0);
  live.hear(state({ removed: 3, restarts: 1 }));
  assert.equal(causes()[0], 'cache cleared since');
});

test('one block less and no eviction: the engine computes the last block anew', (t) => {
  const { compare, causes } = start(t);
  compare(48, 32);
  compare(48, 16);
  assert.deepEqual(causes(), ['unknown', 'last-block rule']);
});

test('another number of prompt tokens, or an estimate, needs no further cause', async (t) => {
  const { compare, causes, metrics } = start(t);
  compare(48, 0, { promptTokens: 101 });
  compare(48, 0, { trust: 'estimated' });
  assert.deepEqual(causes(), ['estimate', 'tokens differ']);
  const { text } = metrics.registry.page(undefined);
  assert.match(text, /cause="tokens differ"\} 1/);
});

test('only so many are kept, also while they wait for their review', (t) => {
  const { compare, causes, log } = start(t, 3);
  for (let i = 0; i < 5; i += 1) compare(48, 32);
  assert.equal(causes().length, 3);
  compare(48, 16);
  log.close();
  assert.equal(causes().length, 3);
});
