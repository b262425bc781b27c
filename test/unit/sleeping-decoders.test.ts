import assert from 'node:assert/strict';
import test from 'node:test';
import { IdSequence } from '../../src/sim/block-sequence.js';
import { VirtualClock } from '../../src/sim/clock.js';
import { Engine } from '../../src/sim/engine.js';
import type { EngineRequest } from '../../src/sim/engine-request.js';
import type { StepLoad } from '../../src/sim/step-cost.js';
import { runSeed, seededRandom } from '../support/random.js';

const BLOCK = 16;

interface Setting {
  readonly countsTokens: boolean;
  readonly generatedBlocks: 'cached' | 'discarded';
  readonly usableBlocks: number;
  readonly seed: number;
}

/** Everything an engine says while random requests come, and some of them leave. */
function run({ countsTokens, generatedBlocks, usableBlocks, seed }: Setting) {
  const random = seededRandom(seed);
  const clock = new VirtualClock();
  const loads: StepLoad[] = [];
  const events: string[] = [];
  const gaps = new Map<number, number>();
  const count = (gapUs: number, tokens: number) => {
    const gap = Math.round(gapUs);
    gaps.set(gap, (gaps.get(gap) ?? 0) + tokens);
  };
  const engine = new Engine(
    {
      blockSizeTokens: BLOCK,
      usableBlocks,
      maxNumSeqs: 12,
      maxNumBatchedTokens: 128,
      arrivalUs: 300,
      generatedBlocks,
      cost: (load) => {
        loads.push({ ...load });
        return 1000 + 7 * load.prefillTokens + 31 * load.decodeSequences + load.decodeContextTokens;
      },
    },
    clock,
    (batch) => {
      for (const event of batch) {
        if (event.kind === 'stored') {
          const words = event.sequence.words.subarray(event.from * 2, event.to * 2);
          // Serial numbers of generated blocks go on from run to run.
          const low = words.filter((_, i) => i % 2 === 0);
          events.push(`stored ${event.from} ${event.to} ${low.join()}`);
        } else if (event.kind === 'removed') events.push(`removed ${event.hashes.length}`);
      }
    },
    count,
  );
  const told: string[] = [];
  const lastUs = new Map<EngineRequest, number>();
  for (let i = 0; i < 150; i += 1) {
    const promptTokens = 1 + Math.floor(random() * 200);
    const outputTokens = 1 + Math.floor(random() * 90);
    const group = Math.floor(random() * 5) * 1000;
    const ids = BigUint64Array.from({ length: Math.floor(promptTokens / BLOCK) }, (_, block) =>
      BigInt(group + block),
    );
    const leavesUs = random() < 0.1 ? random() * 60_000 : null;
    clock.at(random() * 400_000, () => {
      const request = engine.submit(
        {
          sequence: new IdSequence(ids, promptTokens, BLOCK),
          promptTokens,
          outputTokens,
          countsTokens,
        },
        {
          onToken(one, nowUs) {
            if (one.outputCount === 1) told.push(`${i} first ${nowUs} ${one.cachedTokens}`);
            else count(nowUs - (lastUs.get(one) ?? 0), 1);
            lastUs.set(one, nowUs);
          },
          onFinish: (one, nowUs) => told.push(`${i} end ${nowUs} ${one.outputCount}`),
        },
      );
      if (leavesUs !== null) clock.at(clock.nowUs() + leavesUs, () => engine.abort(request));
    });
  }
  clock.run();
  const { generatedTokens: _, ...totals } = engine.totals;
  return { told, loads, events, totals, gaps: [...gaps].sort(([a], [b]) => a - b) };
}

for (const generatedBlocks of ['cached', 'discarded'] as const) {
  for (const usableBlocks of [400, 40]) {
    test(`${usableBlocks} blocks, generated ones ${generatedBlocks}: sleeping changes nothing`, () => {
      const seed = runSeed;
      const setting = { generatedBlocks, usableBlocks, seed };
      const awake = run({ ...setting, countsTokens: false });
      const asleep = run({ ...setting, countsTokens: true });
      assert.deepEqual(asleep, awake, `seed ${seed}`);
      if (usableBlocks === 40) assert.ok(awake.totals.preemptions > 0);
    });
  }
}
