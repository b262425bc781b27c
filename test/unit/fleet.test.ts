import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdSequence } from '../../src/sim/block-sequence.js';
import { timingOf } from '../../src/sim/timing.js';
import { VirtualFleet } from '../../src/sim/virtual-fleet.js';
import { startSims } from '../support/sim-engine.js';

const BLOCK = 80;
const PROMPT = 7200;

/** Workload W1 of BENCHMARKS.md 3, cut to 20 s, groups on fixed engines. */
function runGroups(generatedBlocks: 'cached' | 'discarded') {
  const { cost, arrivalUs, maxNumSeqs, maxNumBatchedTokens } = timingOf('qwen2.5-7b-h100');
  const events = { stored: 0, removed: 0 };
  const fleet = new VirtualFleet({
    eventDelayUs: 0,
    scrapeIntervalUs: 1e6,
    random: () => 0.5,
    replayBatches: 0,
  });
  const { clock } = fleet;
  fleet.observe({
    onEvents: (_, batch) => {
      for (const event of batch) {
        if (event.kind === 'stored') events.stored += event.to - event.from;
        if (event.kind === 'removed') events.removed += event.hashes.length;
      }
    },
  });
  const engines = Array.from({ length: 4 }, () => {
    const slot = fleet.add({
      ...{ cost, arrivalUs, maxNumSeqs, maxNumBatchedTokens, generatedBlocks },
      blockSizeTokens: BLOCK,
      usableBlocks: Math.floor(977_000 / BLOCK),
    });
    return fleet.engine(slot);
  });
  const finishedUs: number[] = [];
  for (let i = 0; i < 600; i += 1) {
    const group = (i * 7) % 100;
    const ids = BigUint64Array.from({ length: PROMPT / BLOCK }, (_, block) =>
      BigInt(block < 75 ? group * 1024 + block : 2 ** 24 + i * 128 + block),
    );
    clock.at(i * 33_333, () => {
      engines[group % 4]?.submit(
        { sequence: new IdSequence(ids, PROMPT, BLOCK), promptTokens: PROMPT, outputTokens: 250 },
        {
          onFinish: (_, nowUs) => {
            finishedUs.push(nowUs);
            if (finishedUs.length === 600) fleet.close();
          },
        },
      );
    });
  }
  clock.run();
  const totals = engines.map((engine) => engine.totals);
  const sum = (field: 'prefixHitTokens' | 'promptTokens' | 'generatedTokens') =>
    totals.reduce((total, engine) => total + engine[field], 0);
  return { events, finishedUs, hit: sum('prefixHitTokens') / sum('promptTokens'), sum };
}

test('a virtual fleet serves 20 s of load, the same way each time', () => {
  const first = runGroups('discarded');
  assert.equal(first.finishedUs.length, 600);
  assert.equal(first.sum('generatedTokens'), 600 * 250);
  // 500 of 600 requests find the 6,000 tokens of their group.
  assert.ok(Math.abs(first.hit - (500 * 6000) / (600 * 7200)) < 0.01, `${first.hit}`);
  assert.deepEqual(runGroups('discarded').finishedUs, first.finishedUs);
});

test('caching generated blocks announces more of them', () => {
  const [discarded, cached] = [runGroups('discarded'), runGroups('cached')];
  // 249 tokens after the first are computed: 3 more full blocks of 80 a request.
  assert.equal(cached.events.stored - discarded.events.stored, 600 * 3);
  assert.equal(cached.hit, discarded.hit);
});

test('a wall-clock fleet has an address for each engine, and none is left behind', async (t) => {
  const sims = await startSims(t, 3);
  const addresses = sims.flatMap(({ url, kvEvents, kvReplay }) => [url, kvEvents, kvReplay]);
  assert.equal(new Set(addresses).size, 9);
  const [first] = sims;
  const taken = Number(new URL(first?.url ?? '').port);
  await assert.rejects(startSims(t, 2, { port: taken }), { name: 'ConfigError' });
});
