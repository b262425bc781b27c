import assert from 'node:assert/strict';
import test from 'node:test';
import { DemoPanel } from '../../src/cli/demo-panel.js';
import { SEED_PLAN } from '../../src/config/scheduling-plan.js';
import { RouterError } from '../../src/errors.js';
import { candidate, REQUEST } from '../support/candidates.js';

/** A busy holder of the whole prompt, and an idle endpoint. */
const fleet = () => [candidate(0, { matchedBlocks: 20 }, { inflightRequests: 5 }), candidate(1)];

const answer = (sentMs: number, firstTokenMs: number, cachedTokens: number) => {
  return { sentMs, firstTokenMs, promptTokens: 1000, cachedTokens };
};

interface State {
  readonly prefixWeight: number;
  readonly comparison: readonly {
    prefixWeight: number;
    answers: number;
    hitRatio: number | null;
  }[];
  readonly marks: readonly { prefixWeight: number }[];
}

const stateOf = (panel: DemoPanel): State => JSON.parse(JSON.stringify(panel.state()));

test('the switch decides at once whether the prefix counts', () => {
  const panel = new DemoPanel(SEED_PLAN);
  assert.equal(panel.scheduler.schedule(REQUEST, fleet(), Math.random).pick, 0);
  panel.change({ prefixWeight: 0 });
  assert.equal(panel.scheduler.schedule(REQUEST, fleet(), Math.random).pick, 1);
  assert.match(panel.scheduler.description, /^0 x prefix-cache-scorer/);
  panel.change({ prefixWeight: 2 });
  assert.equal(panel.scheduler.schedule(REQUEST, fleet(), Math.random).pick, 0);
  assert.deepEqual(
    stateOf(panel).marks.map(({ prefixWeight }) => prefixWeight),
    [0, 2],
  );
});

test('answers are compared by the weight they were sent under', () => {
  const panel = new DemoPanel(SEED_PLAN);
  panel.noteAnswer(answer(performance.now(), 20, 900));
  const early = performance.now();
  panel.change({ prefixWeight: 0 });
  panel.noteAnswer(answer(early, 20, 900));
  panel.noteAnswer(answer(performance.now(), 200, 100));
  const [two, zero] = stateOf(panel).comparison;
  assert.deepEqual([two?.answers, two?.hitRatio], [1, 0.9]);
  assert.deepEqual([zero?.answers, zero?.hitRatio], [1, 0.1]);
});

test('anything else is refused by name', () => {
  const panel = new DemoPanel(SEED_PLAN);
  for (const wish of [null, [], 'x', { prefixWeight: 1 }, { traffic: 'on' }, { speed: 2 }]) {
    assert.throws(
      () => panel.change(wish),
      (error) => error instanceof RouterError && error.status === 400,
      JSON.stringify(wish),
    );
  }
  assert.equal(stateOf(panel).prefixWeight, 2);
});
