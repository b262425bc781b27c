import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScorerPlan } from '../../src/config/scheduling-plan.js';
import type { Candidate } from '../../src/scheduler/scheduler.js';
import { createScorer } from '../../src/scheduler/scorers.js';
import { candidate, REQUEST } from '../support/candidates.js';

function scores(
  plan: ScorerPlan,
  candidates: readonly Candidate[],
  loraName: string | null = null,
) {
  const raw = new Float64Array(candidates.length);
  createScorer(plan).score({ ...REQUEST, loraName }, candidates, raw);
  return [...raw].map((score) => Math.round(score * 1e6) / 1e6);
}

const prefix = (matchLengthWeight = 0, matchLengthScaleTokens = 8192): ScorerPlan => ({
  type: 'prefix-cache-scorer',
  name: 'p',
  weight: 1,
  parameters: { matchLengthWeight, matchLengthScaleTokens },
});
const load = (signal: 'blended' | 'waiting', threshold = 128): ScorerPlan => ({
  type: 'load-aware-scorer',
  name: 'l',
  weight: 1,
  parameters: { threshold, signal },
});

test('a prefix score is the share of the request, whatever the best match is', () => {
  const held = [20, 10, 1, 0].map((matchedBlocks, i) => candidate(i, { matchedBlocks }));
  assert.deepEqual(scores(prefix(), held), [1, 0.5, 0.05, 0]);
  assert.deepEqual(scores(prefix(), held.slice(2)), [0.05, 0]);
});

test('a prefix score counts fractions that tiers give and each endpoint its own block size', () => {
  const cpu = candidate(0, { matchedBlocks: 3, credit: 2.4 });
  const coarse = candidate(1, { matchedBlocks: 3, blockCount: 5, blockSizeTokens: 64 });
  assert.deepEqual(scores(prefix(), [cpu, coarse]), [0.12, 0.6]);
});

test('a request without a full block scores 0 everywhere', () => {
  assert.deepEqual(scores(prefix(), [candidate(0, { blockCount: 0 })]), [0]);
});

test('matchLengthWeight mixes in the square of the matched length', () => {
  // 10 of 20 blocks of 16 tokens = 160 tokens; a scale of 320 makes that half.
  const half = candidate(0, { matchedBlocks: 10 });
  assert.deepEqual(scores(prefix(0.5, 320), [half]), [0.5 * 0.25 + 0.5 * 0.5]);
  assert.deepEqual(scores(prefix(1, 100), [half]), [1]);
});

test('signal waiting is the published load formula and sees nothing else', () => {
  const cases: [waiting: number, threshold: number, score: number][] = [
    [0, 128, 0.5],
    [64, 128, 0.25],
    [128, 128, 0],
    [500, 128, 0],
    [5, 10, 0.25],
    [64, 0, 0.25],
    [64, -3, 0.25],
  ];
  for (const [waitingRequests, threshold, score] of cases) {
    const busy = candidate(0, {}, { waitingRequests, inflightRequests: 99, inflightTokens: 1e6 });
    assert.deepEqual(scores(load('waiting', threshold), [busy]), [score]);
  }
});

test('the blended load adds a half from the own count, requests and thousands of tokens alike', () => {
  const fleet = [
    candidate(0),
    candidate(1, {}, { inflightRequests: 1, inflightTokens: 1000 }),
    candidate(2, {}, { inflightRequests: 2, otherRequests: 2 }),
  ];
  assert.deepEqual(scores(load('blended'), fleet), [1, 0.75, 0.5]);
  assert.deepEqual(scores(load('blended'), [candidate(0), candidate(1)]), [1, 1]);
});

test('queue and running scores run from the most to the least loaded, equal ones score 1', () => {
  const fleet = [0, 5, 10].map((n, i) =>
    candidate(i, {}, { waitingRequests: n, runningRequests: n }),
  );
  for (const type of ['queue-scorer', 'running-requests-size-scorer'] as const) {
    const plan: ScorerPlan = { type, name: type, weight: 1, parameters: {} };
    assert.deepEqual(scores(plan, fleet), [1, 0.5, 0]);
    assert.deepEqual(scores(plan, fleet.slice(2)), [1]);
  }
});

test('a KV cache scores what is free of it', () => {
  const plan: ScorerPlan = {
    type: 'kv-cache-utilization-scorer',
    name: 'k',
    weight: 1,
    parameters: {},
  };
  assert.deepEqual(scores(plan, [candidate(0, {}, { kvCacheUsage: 0.3 })]), [0.7]);
});

test('an idle endpoint scores 1 and a busy one at most maxBusyScore', () => {
  const fleet = [0, 2, 4].map((n, i) => candidate(i, {}, { inflightRequests: n }));
  const plan = (idleThreshold: number, maxBusyScore: number): ScorerPlan => ({
    type: 'active-request-scorer',
    name: 'a',
    weight: 1,
    parameters: { idleThreshold, maxBusyScore },
  });
  assert.deepEqual(scores(plan(0, 1), fleet), [1, 0.5, 0]);
  assert.deepEqual(scores(plan(0, 0), fleet), [1, 0, 0]);
  assert.deepEqual(scores(plan(2, 0.5), fleet), [1, 1, 0]);
});

test('outstanding tokens lower the token score down to 0', () => {
  const plan: ScorerPlan = {
    type: 'token-load-scorer',
    name: 't',
    weight: 1,
    parameters: { queueThresholdTokens: 1000 },
  };
  const fleet = [0, 250, 5000].map((inflightTokens, i) => candidate(i, {}, { inflightTokens }));
  assert.deepEqual(scores(plan, fleet), [1, 0.75, 0]);
});

test('cold requests prefer the endpoint whose last cold request is longest ago', () => {
  const scorer = createScorer({
    type: 'no-hit-lru-scorer',
    name: 'n',
    weight: 1,
    parameters: { lruSize: 8 },
  });
  const fleet = [candidate(0), candidate(1), candidate(2)];
  const [first, second, third] = fleet;
  assert.ok(first && second && third);
  const raw = new Float64Array(3);
  const now = () => {
    scorer.score(REQUEST, fleet, raw);
    return [...raw];
  };
  assert.deepEqual(now(), [1, 1, 1]);
  scorer.assigned?.(REQUEST, second);
  assert.deepEqual(now(), [1, 0, 1]);
  scorer.assigned?.(REQUEST, first);
  scorer.assigned?.(REQUEST, third);
  assert.deepEqual(now(), [0.5, 1, 0]);
  scorer.assigned?.(REQUEST, candidate(1, { matchedBlocks: 3 }));
  assert.deepEqual(now(), [0.5, 1, 0], 'a warm request changes nothing');
  scorer.score(REQUEST, [first, candidate(1, { matchedBlocks: 1 })], raw);
  assert.deepEqual([...raw.slice(0, 2)], [0.5, 0.5]);
});

test('an endpoint with the adapter loaded beats one with room, one where it waits, and the rest', () => {
  const plan: ScorerPlan = { type: 'lora-affinity-scorer', name: 'x', weight: 1, parameters: {} };
  const lora = (running: string[], waiting: string[], max: number) => ({
    lora: { running, waiting, max },
  });
  const fleet = [
    candidate(0, {}, lora(['A'], [], 1)),
    candidate(1, {}, lora(['B'], [], 2)),
    candidate(2, {}, lora(['B'], ['A'], 2)),
    candidate(3, {}, lora(['B'], [], 1)),
    candidate(4),
  ];
  assert.deepEqual(scores(plan, fleet, 'A'), [1, 0.8, 0.6, 0, 0]);
  assert.deepEqual(scores(plan, fleet), [0, 0, 0, 0, 0]);
});
