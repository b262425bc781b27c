import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { IdSequence } from '../../src/sim/block-sequence.js';
import { type Clock, VirtualClock } from '../../src/sim/clock.js';
import { Engine } from '../../src/sim/engine.js';
import { timingOf } from '../../src/sim/timing.js';
import { WallClock } from '../../src/sim/wall-clock.js';
import { runSeed, seededRandom } from '../support/random.js';

/** No machine is that late. */
const PATIENCE_MS = 60_000;

/** The process does nothing else meanwhile, as under a long garbage collection. */
function stall(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

test('time passes faster with a speedup, and lag is measured', async () => {
  const clock = new WallClock(100);
  const startMs = performance.now();
  await new Promise<void>((resolve) => clock.at(clock.nowUs() + 2_000_000, resolve));
  const elapsedMs = performance.now() - startMs;
  assert.ok(elapsedMs >= 19 && elapsedMs < 1000, `${elapsedMs} ms`);
  const lag = clock.lag();
  assert.equal(lag.callbacks, 1);
  assert.ok(lag.p99Ms >= 0 && lag.p99Ms <= lag.maxMs);
});

test('steps that follow each other are late by the machine, not by each other', async () => {
  const clock = new WallClock(1, PATIENCE_MS);
  const startUs = clock.nowUs();
  const seen: number[] = [];
  await new Promise<void>((resolve) => {
    const step = () => {
      seen.push(clock.nowUs() - startUs);
      // Longer than the step, shorter than what is made up.
      if (seen.length === 3) stall(20);
      if (seen.length === 10) resolve();
      else clock.at(clock.nowUs() + 7500, step);
    };
    clock.at(startUs + 7500, step);
  });
  const due = Array.from({ length: 10 }, (_, i) => 7500 * (i + 1));
  assert.deepEqual(
    seen.map((us) => Math.round(us)),
    due,
  );
});

test(`callbacks that are late together come in the order of their times (seed ${runSeed})`, async () => {
  const random = seededRandom(runSeed);
  const clock = new WallClock(1, PATIENCE_MS);
  const startUs = clock.nowUs();
  const seen: number[] = [];
  await new Promise<void>((resolve) => {
    let open = 200;
    const call = (left: number) => () => {
      seen.push(clock.nowUs());
      if (left > 0) clock.at(clock.nowUs() + Math.floor(random() * 3000), call(left - 1));
      else if (--open === 0) resolve();
    };
    for (let i = 0; i < 200; i += 1) clock.at(startUs + random() * 20_000, call(2));
    stall(15);
  });
  assert.equal(seen.length, 600);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
});

/** What an engine with little room does with requests that come in bursts: every token's time. Resolves
 * when all are answered. */
function engineLog(clock: Clock, seed: number): Promise<string[]> {
  const random = seededRandom(seed);
  const { cost, arrivalUs } = timingOf('qwen2.5-7b-h100');
  const engine = new Engine(
    {
      ...{ blockSizeTokens: 16, usableBlocks: 400, maxNumSeqs: 6, maxNumBatchedTokens: 2048 },
      ...{ generatedBlocks: 'cached', cost, arrivalUs },
    },
    clock,
    (events) => log.push(events.map(({ kind }) => kind).join()),
  );
  const log: string[] = [];
  const startUs = clock.nowUs() + 1000;
  let open = 60;
  return new Promise((resolve) => {
    for (let i = 0; i < 60; i += 1) {
      const promptTokens = 100 + Math.floor(random() * 4000);
      const outputTokens = 1 + Math.floor(random() * 20);
      const first = 1000 * Math.floor(random() * 8);
      const blocks = Array.from({ length: promptTokens >> 4 }, (_, block) =>
        BigInt(first + block + 1),
      );
      const sequence = new IdSequence(BigUint64Array.from(blocks), promptTokens, 16);
      const say = (what: string, us: number) =>
        log.push(`${Math.round((us - startUs) * 1000)} ns: ${i} ${what}`);
      const listener = {
        onToken: (request: { readonly cachedTokens: number }, us: number) =>
          say(`token, ${request.cachedTokens} cached`, us),
        onFinish: (_: unknown, us: number) => {
          say('end', us);
          open -= 1;
          if (open === 0) resolve(log);
        },
      };
      clock.at(startUs + Math.floor(random() * 40) * 50_000, () => {
        engine.submit({ sequence, promptTokens, outputTokens }, listener);
      });
    }
  });
}

test(`an engine takes the steps of virtual time, however late its timers (seed ${runSeed})`, async () => {
  const virtual = new VirtualClock();
  const expected = engineLog(virtual, runSeed);
  virtual.run();
  const real = new WallClock(8, PATIENCE_MS);
  const random = seededRandom(runSeed + 1);
  const hiccups = setInterval(() => stall(random() * 12), 7);
  const seen = await engineLog(real, runSeed);
  clearInterval(hiccups);
  real.close();
  assert.ok(seen.length > 200 && real.lag().maxMs > 3, `${seen.length}, ${real.lag().maxMs} ms`);
  assert.deepEqual(seen, await expected);
});

test('a long stall is lost time', async () => {
  const clock = new WallClock(1, 50);
  const dueUs = clock.nowUs() + 1000;
  const seenUs = new Promise<number>((resolve) => clock.at(dueUs, () => resolve(clock.nowUs())));
  stall(80);
  assert.ok((await seenUs) >= dueUs + 50_000);
  assert.ok(clock.lag().maxMs >= 50);
});

test('work that is due at once leaves turns of the event loop to others', async () => {
  const clock = new WallClock();
  let calls = 0;
  const again = () => {
    calls += 1;
    clock.at(clock.nowUs(), again);
  };
  clock.at(0, again);
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  clock.close();
  assert.ok(calls > 5 && calls < 100, `${calls} calls`);
});

test('an earlier callback is not kept waiting by a later one', async () => {
  const clock = new WallClock();
  const seen: string[] = [];
  await new Promise<void>((resolve) => {
    clock.at(clock.nowUs() + 30_000, () => resolve(void seen.push('late')));
    clock.at(clock.nowUs() + 5_000, () => seen.push('early'));
  });
  assert.deepEqual(seen, ['early', 'late']);
});

test('a closed clock calls nobody', async () => {
  const clock = new WallClock();
  let called = false;
  const call = () => {
    called = true;
  };
  clock.at(0, call);
  clock.at(clock.nowUs() + 1000, call);
  clock.close();
  clock.at(0, call);
  await delay(10);
  assert.equal(called, false);
});
