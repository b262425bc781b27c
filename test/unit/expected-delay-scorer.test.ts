import assert from 'node:assert/strict';
import test from 'node:test';
import { DEFAULT_PLAN } from '../../src/config/scheduling-plan.js';
import type { EndpointLoad } from '../../src/endpoint/endpoint.js';
import { InflightLoad } from '../../src/endpoint/inflight-load.js';
import { createScheduler } from '../../src/scheduler/scheduler.js';
import { candidate } from '../support/candidates.js';
import { runSeed, seededRandom } from '../support/random.js';

const BLOCKS = 400;
const PROMPT_TOKENS = BLOCKS * 16;
const scheduler = createScheduler(DEFAULT_PLAN);

function schedule(
  fleet: readonly ReturnType<typeof candidate>[],
  prefixHeat = 0,
  random = () => 0.5,
) {
  const request = { promptTokens: PROMPT_TOKENS, loraName: null, prefixHeat };
  return scheduler.schedule(request, fleet, random);
}

const holding = (slot: number, matchedBlocks: number, load: Partial<EndpointLoad> = {}) =>
  candidate(slot, { matchedBlocks, blockCount: BLOCKS }, load);

function randomLoad(random: () => number): Partial<EndpointLoad> {
  return {
    inflightRequests: Math.floor(random() * 60),
    inflightTokens: Math.floor(random() * 50_000),
    inflightContextTokens: Math.floor(random() * 500_000),
    otherRequests: Math.floor(random() * 5),
    otherTokens: Math.floor(random() * 20_000),
    kvCacheUsage: random(),
    prefillMsPerToken: random() < 0.3 ? null : 0.02 + random() * 0.1,
  };
}

test('a longer match never turns a pick away', () => {
  const seed = runSeed;
  const random = seededRandom(seed);
  for (let i = 0; i < 2000; i += 1) {
    const blocks = Array.from({ length: 6 }, () => Math.floor(random() * BLOCKS));
    const loads = blocks.map(() => randomLoad(random));
    const heat = random() * 20;
    const fleet = (more: number, at: number) =>
      blocks.map((held, slot) =>
        holding(slot, slot === at ? Math.min(BLOCKS, held + more) : held, loads[slot]),
      );
    const { pick } = schedule(fleet(0, 0), heat);
    const longer = schedule(fleet(1 + Math.floor(random() * BLOCKS), pick), heat);
    assert.equal(longer.pick, pick, `seed ${seed}`);
  }
});

test('more load on another endpoint never turns a pick away while one has no queue', () => {
  const seed = runSeed;
  const random = seededRandom(seed);
  for (let i = 0; i < 2000; i += 1) {
    const fleet = Array.from({ length: 6 }, (_, slot) => {
      const load = randomLoad(random);
      const held = Math.floor(random() * BLOCKS);
      return holding(
        slot,
        held,
        slot === 5 ? { ...load, inflightTokens: 0, otherTokens: 0 } : load,
      );
    });
    const { pick } = schedule(fleet, 2);
    const busier = fleet.map((one) => {
      const { slot } = one.endpoint;
      if (slot === pick) return one;
      const { inflightTokens, inflightRequests } = one.load;
      const load = {
        ...one.load,
        inflightTokens: inflightTokens + (slot === 5 ? 0 : random() * 9000),
        inflightRequests: inflightRequests + 3,
      };
      return { ...one, load };
    });
    assert.equal(schedule(busier, 2).pick, pick, `seed ${seed}`);
  }
});

test('where every endpoint has a queue, a copy must be worth more', () => {
  const queue = (more: number) => ({ inflightTokens: 40_000 + more });
  assert.equal(schedule([holding(0, 200, queue(25_000)), holding(1, 0, queue(0))]).pick, 0);
  assert.equal(schedule([holding(0, 200, { inflightTokens: 25_000 }), holding(1, 0)]).pick, 1);
});

test('scores lie in (0, 1] and the best is 1', () => {
  const random = seededRandom(runSeed);
  for (let i = 0; i < 500; i += 1) {
    const fleet = Array.from({ length: 5 }, (_, slot) => holding(slot, 0, randomLoad(random)));
    const totals = [...schedule(fleet).totals];
    assert.equal(Math.max(...totals), 1);
    assert.ok(totals.every((total) => total > 0));
  }
});

/** Sends `count` requests that share `shared` blocks and never end; says who got how many. */
function burst(count: number, shared: number, engines = 8): number[] {
  const inflight = new InflightLoad(engines);
  const sent = new Array<number>(engines).fill(0);
  const random = seededRandom(7);
  for (let i = 0; i < count; i += 1) {
    const fleet = sent.map((requests, slot) =>
      holding(slot, requests > 0 ? shared : 0, {
        inflightRequests: inflight.requests(slot),
        inflightTokens: inflight.tokens(slot),
        inflightContextTokens: inflight.contextTokens(slot),
      }),
    );
    const { pick } = schedule(fleet, i, random);
    const uncachedTokens = PROMPT_TOKENS - ((sent[pick] ?? 0) > 0 ? shared * 16 : 0);
    inflight.book(pick, { uncachedTokens, promptTokens: PROMPT_TOKENS, streams: true });
    sent[pick] = (sent[pick] ?? 0) + 1;
  }
  return sent;
}

test('a burst of one new prefix is shared by some engines, not by one and not by all at once', () => {
  const first = burst(4, 350).filter((sent) => sent > 0).length;
  assert.ok(first <= 2, `4 requests went to ${first} engines`);
  const sent = burst(80, 350);
  const engines = sent.filter((count) => count > 0).length;
  assert.ok(engines >= 4, `80 requests went to ${sent}`);
  assert.ok(Math.max(...sent) <= 30, `80 requests went to ${sent}`);
});

test('a herd is bounded, whatever its size and however much of the prompt it shares', () => {
  const seed = runSeed;
  const random = seededRandom(seed);
  for (let i = 0; i < 60; i += 1) {
    const engines = 2 + Math.floor(random() * 15);
    const count = engines * (4 + Math.floor(random() * 60));
    const shared = Math.floor(random() * BLOCKS);
    const sent = burst(count, shared, engines);
    const most = Math.max(...sent);
    // Before a prefix is known to be hot, its home takes what it would take of an ordinary one.
    assert.ok(
      most <= 1.5 * (count / engines) + 25,
      `${count} over ${shared}: ${sent}, seed ${seed}`,
    );
  }
});

test('what peers have outstanding counts as our own', () => {
  const own = [holding(0, 0, { inflightTokens: 9000 }), holding(1, 0, { inflightTokens: 9100 })];
  const peers = [holding(0, 0, { otherTokens: 9000 }), holding(1, 0, { otherTokens: 9100 })];
  assert.deepEqual(schedule(peers), schedule(own));
});

test('one hot prefix ends up on every engine, evenly', () => {
  const sent = burst(800, 390);
  assert.ok(Math.max(...sent) / 100 <= 1.25, `sent ${sent}`);
  assert.ok(Math.min(...sent) >= 60, `sent ${sent}`);
});

test('equal engines get equal shares of cold requests', () => {
  const sent = burst(800, 0);
  assert.ok(Math.max(...sent) - Math.min(...sent) <= 1, `sent ${sent}`);
});

test('a cold prefix stays at home through the waits of an ordinary day', () => {
  const home = holding(0, 375, { inflightTokens: 6000, inflightRequests: 40 });
  assert.equal(schedule([home, holding(1, 0, { inflightRequests: 30 })], 1).pick, 0);
});

test('a hot prefix leaves the same home for an idle engine', () => {
  const home = holding(0, 375, { inflightTokens: 6000, inflightRequests: 40 });
  assert.equal(schedule([home, holding(1, 0)], 200).pick, 1);
});

test('match 1 of 400 blocks on a busy endpoint loses against an idle one', () => {
  const busy = holding(0, 1, { inflightTokens: 2000, inflightRequests: 4 });
  assert.equal(schedule([busy, holding(1, 0)]).pick, 1);
});

test('an engine that computes three times slower gets less than half of the cold requests', () => {
  const inflight = new InflightLoad(2);
  const sent = [0, 0];
  for (let i = 0; i < 300; i += 1) {
    const fleet = sent.map((_, slot) =>
      holding(slot, 0, {
        inflightTokens: inflight.tokens(slot),
        inflightRequests: inflight.requests(slot),
        prefillMsPerToken: slot === 0 ? 0.02 : 0.06,
      }),
    );
    const { pick } = schedule(fleet);
    inflight.book(pick, { uncachedTokens: PROMPT_TOKENS, promptTokens: 0, streams: true });
    sent[pick] = (sent[pick] ?? 0) + 1;
  }
  assert.ok((sent[0] ?? 0) > 2.5 * (sent[1] ?? 0), `sent ${sent}`);
  assert.ok((sent[1] ?? 0) > 50, `sent ${sent}`);
});

test('measured speeds within noise make no difference', () => {
  const one = holding(0, 0, { prefillMsPerToken: 0.028 });
  const other = holding(1, 0, { prefillMsPerToken: 0.02 });
  assert.equal(schedule([one, other]).tied, 2);
});

test('a cold request avoids a KV cache that is nearly in use', () => {
  const full = holding(0, 0, { kvCacheUsage: 0.95, inflightRequests: 10 });
  assert.equal(schedule([full, holding(1, 0, { inflightRequests: 20 })]).pick, 1);
});

test('no endpoint starves: every one is picked again and again under a steady load', () => {
  const random = seededRandom(runSeed);
  const inflight = new InflightLoad(6);
  const open: { end(): void }[] = [];
  const last = new Array<number>(6).fill(0);
  const holds = Array.from({ length: 6 }, () => new Set<number>());
  let longest = 0;
  for (let i = 0; i < 6000; i += 1) {
    const prefix = Math.floor(random() ** 3 * 60);
    const fleet = holds.map((held, slot) =>
      holding(slot, held.has(prefix) ? 350 : 0, {
        inflightTokens: inflight.tokens(slot),
        inflightRequests: inflight.requests(slot),
      }),
    );
    const { pick } = schedule(fleet, 1, random);
    const uncachedTokens = holds[pick]?.has(prefix) ? 800 : PROMPT_TOKENS;
    holds[pick]?.add(prefix);
    open.push(inflight.book(pick, { uncachedTokens, promptTokens: PROMPT_TOKENS, streams: true }));
    if (open.length > 60) open.shift()?.end();
    longest = Math.max(longest, i - (last[pick] ?? 0));
    last[pick] = i;
  }
  const silent = last.map((at) => 6000 - at);
  assert.ok(
    Math.max(longest, ...silent) < 400,
    `an endpoint waited ${longest}, ${silent} requests`,
  );
});

test('an unknown prompt goes by load alone', () => {
  const fleet = [0, 1, 2].map((slot) => holding(slot, 0, { inflightRequests: 5 - slot }));
  const request = { promptTokens: 0, loraName: null, prefixHeat: 0 };
  assert.equal(scheduler.schedule(request, fleet, () => 0).pick, 2);
});

test('what other routers have sent to an engine counts like what we have sent there', () => {
  for (const key of ['inflightTokens', 'otherTokens'] as const) {
    const { pick } = schedule([holding(0, 0, { [key]: 30_000 }), holding(1, 0), holding(2, 0)]);
    assert.notEqual(pick, 0, key);
  }
  const own = schedule([holding(0, BLOCKS, { inflightTokens: 30_000 }), holding(1, 0)]);
  const theirs = schedule([holding(0, BLOCKS, { otherTokens: 30_000 }), holding(1, 0)]);
  assert.deepEqual(theirs, own);
});
