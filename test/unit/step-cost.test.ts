import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyLoad, type StepLoad } from '../../src/sim/step-cost.js';
import { TIMING_NAMES, timingOf } from '../../src/sim/timing.js';

const load = (changes: Partial<StepLoad>): StepLoad => ({ ...emptyLoad(), ...changes });

/** One prompt computed in one chunk. */
const prefill = (tokens: number) =>
  load({
    prefillTokens: tokens,
    prefillChunks: 1,
    prefillLongest: tokens,
    prefillAttention: tokens * (tokens / 2),
    runningSequences: 1,
  });

const decode = (batch: number, context: number) =>
  load({
    decodeSequences: batch,
    decodeContextTokens: batch * context,
    runningSequences: batch,
  });

// BENCHMARKS.md 7.4: T(2048), T(8192) in ms; ITL at 2k context for 1, 8, 32, 64, 128, 256 sequences.
const TABLE: readonly (readonly [string, readonly number[], readonly number[], number])[] = [
  ['qwen2.5-7b-h100', [48, 189], [6.4, 6.9, 8.7, 11.0, 15.6, 24.9], 976_611],
  ['llama-3.1-8b-h100', [52, 207], [7.0, 8.1, 12.0, 17.1, 27.4, 47.9], 421_011],
  ['qwen3-32b-tp2-h100', [116, 458], [15.0, 16.2, 20.0, 25.2, 35.5, 56.0], 307_328],
  ['llama-3.1-70b-tp4-h100', [127, 482], [16.7, 17.4, 19.9, 23.2, 29.8, 42.9], 486_923],
  ['qwen2.5-7b-a100', [157, 653], [9.9, 10.7, 13.5, 17.2, 24.7, 39.6], 976_611],
  ['llama-3.1-8b-a100', [169, 715], [10.7, 12.6, 18.8, 27.2, 43.9, 77.3], 421_011],
];

for (const [name, prefillMs, itlMs, kvTokens] of TABLE) {
  test(`${name} takes the times of the reference table`, () => {
    const timing = timingOf(name);
    const ms = (step: StepLoad) => timing.cost(step) / 1000;
    const prefills = [2048, 8192].map((tokens) => ms(prefill(tokens)));
    const itls = [1, 8, 32, 64, 128, 256].map((batch) => ms(decode(batch, 2048)));
    prefills.forEach((value, i) => {
      assert.ok(Math.abs(value - (prefillMs[i] ?? 0)) <= 0.55, `prefill: ${prefills}`);
    });
    itls.forEach((value, i) => {
      assert.ok(Math.abs(value - (itlMs[i] ?? 0)) <= 0.055, `itl: ${itls}`);
    });
    assert.equal(timing.kvTokens, kvTokens);
    assert.equal(timing.arrivalUs, 15_563);
  });
}

test('a chunk costs more the longer its context is', () => {
  const { cost } = timingOf('qwen2.5-7b-h100');
  const chunk = (computed: number) =>
    load({ prefillTokens: 8192, prefillChunks: 1, prefillAttention: 8192 * (computed + 4096) });
  assert.ok(cost(chunk(100_000)) > cost(chunk(0)) * 2);
});

test('dynamo takes its published times, and the longer of prefill and decode', () => {
  const { cost, kvTokens } = timingOf('dynamo-polynomial');
  const ms = (step: StepLoad) => Math.round(cost(step) / 100) / 10;
  assert.deepEqual(
    [1024, 8192, 32_768].map((tokens) => Math.round(cost(prefill(tokens)) / 1000)),
    [32, 169, 966],
  );
  assert.equal(ms(decode(1, 0)), 5.7);
  assert.equal(ms(decode(256, kvTokens / 512)), 26.3);
  assert.equal(ms(decode(256, kvTokens / 256)), 34);
  assert.equal(ms({ ...prefill(8192), decodeSequences: 1 }), ms(prefill(8192)));
});

test('batch-linear grows with batch and mean context', () => {
  const { cost } = timingOf('batch-linear');
  assert.equal(cost(decode(100, 2000)), 1000 * (3 + 6 + 2.2));
});

test('llm-d profiles slow down with the number of running sequences', () => {
  const { cost, maxNumSeqs } = timingOf('llm-d-8b-h100');
  assert.equal(maxNumSeqs, 16);
  assert.equal(cost(decode(1, 10)), 12_000);
  assert.equal(cost(decode(16, 10)), 24_000);
  assert.equal(cost(prefill(1000)), 1000 * (30 + 250));
});

test('canned takes no time', () => {
  assert.equal(timingOf('canned').cost(prefill(100_000)), 0);
});

test('an unknown timing is an error that names the known ones', () => {
  assert.ok(TIMING_NAMES.length >= 13);
  assert.throws(() => timingOf('gpt-5'), /unknown timing "gpt-5"; known are qwen2\.5-7b-h100, /);
});
