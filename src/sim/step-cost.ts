// Step cost: what an engine step computes -> how long it takes. One function per timing family.
import type { Gpu, ModelShape } from './model-shapes.js';

/** What one scheduler step computes. */
export interface StepLoad {
  /** New prompt tokens of all prefill chunks. */
  prefillTokens: number;
  /** Chunks of the step, and the longest one. */
  prefillChunks: number;
  prefillLongest: number;
  /** Sum over chunks of new tokens x mean causal context of the chunk. */
  prefillAttention: number;
  /** Sequences that generate one token each, and the sum of their contexts. */
  decodeSequences: number;
  decodeContextTokens: number;
  /** Admitted sequences, those computed in the step or not. */
  runningSequences: number;
}

export function emptyLoad(): StepLoad {
  return {
    prefillTokens: 0,
    prefillChunks: 0,
    prefillLongest: 0,
    prefillAttention: 0,
    decodeSequences: 0,
    decodeContextTokens: 0,
    runningSequences: 0,
  };
}

export function clearLoad(load: StepLoad): void {
  load.prefillTokens = 0;
  load.prefillChunks = 0;
  load.prefillLongest = 0;
  load.prefillAttention = 0;
  load.decodeSequences = 0;
  load.decodeContextTokens = 0;
  load.runningSequences = 0;
}

/** Microseconds. */
export type StepCost = (load: Readonly<StepLoad>) => number;

const BYTES = 2;

/** Physics-based model of BLIS (inference-sim), with the prefill coefficient corrected to what
 * llm-d measured: the published 0.152 is faster than the GPU's peak (BENCHMARKS.md 7.1). */
export function blisCost(model: ModelShape, gpu: Gpu): StepCost {
  const { layers, hidden, heads, headDim, kvHeads, feedForward, tensorParallel: tp } = model;
  const queryDim = heads * headDim;
  const kvDim = kvHeads * headDim;
  const attentionWeights = layers * hidden * (2 * queryDim + 2 * kvDim);
  const feedForwardWeights = layers * 3 * hidden * feedForward;
  const prefillTokenUs = (2 * attentionWeights + 2 * feedForwardWeights) / tp / gpu.flopsPerUs;
  const prefillAttentionUs = (layers * 4 * heads * headDim) / tp / gpu.flopsPerUs;
  const decodeTokenUs = (layers * 2 * (kvDim / tp) * BYTES) / gpu.bytesPerUs;
  const weightsUs = ((attentionWeights + feedForwardWeights) * BYTES) / tp / gpu.bytesPerUs;
  const exchangeTokenUs = (2 * layers * hidden * BYTES * 2 * ((tp - 1) / tp)) / gpu.bytesPerUs;
  const fixedUs = 1.36252915 * weightsUs + 32.09546717 * layers + 126.024825;
  return (load) => {
    const batch = load.prefillChunks + load.decodeSequences;
    const prefillUs =
      prefillTokenUs * load.prefillTokens + prefillAttentionUs * load.prefillAttention;
    const decodeUs = decodeTokenUs * (load.decodeContextTokens + load.decodeSequences);
    const exchangeUs = exchangeTokenUs * (load.prefillTokens + load.decodeSequences);
    return (
      gpu.prefillFactor * prefillUs +
      1.94710771 * decodeUs +
      0.752037 * exchangeUs +
      4.41684444 * batch +
      fixedUs
    );
  };
}

/** Dynamo mocker's polynomial, an 8B model on H100 (BENCHMARKS.md 7.2). A step that mixes prefill
 * and decode takes the longer of the two. */
export function dynamoCost(kvTokens: number): StepCost {
  return (load) => {
    const use = Math.min(1, load.decodeContextTokens / kvTokens);
    const decodeMs =
      load.decodeSequences === 0 ? 0 : Math.max(1, -25.74 * use ** 2 + 54.01 * use + 5.74);
    return 1000 * Math.max(dynamoPrefillMs(load.prefillTokens), decodeMs);
  };
}

function dynamoPrefillMs(tokens: number): number {
  return tokens === 0 ? 0 : 4.209989e-7 * tokens ** 2 + 1.518344e-2 * tokens + 16.50142;
}

/** AIConfigurator's queueing oracle: the same prefill; decode linear in batch and mean context
 * (BENCHMARKS.md 7.3). */
export function batchLinearCost(): StepCost {
  return (load) => {
    const batch = load.decodeSequences;
    const context = batch === 0 ? 0 : load.decodeContextTokens / batch;
    const decodeMs = batch === 0 ? 0 : Math.max(1, 3 + 0.06 * batch + 0.0011 * context);
    return 1000 * Math.max(dynamoPrefillMs(load.prefillTokens), decodeMs);
  };
}

export interface LinearProfile {
  readonly itlMs: number;
  readonly prefillOverheadMs: number;
  readonly prefillTokenMs: number;
  /** Slow-down when all `maxNumSeqs` are running. */
  readonly fullLoadFactor: number;
  readonly maxNumSeqs: number;
}

/** llm-d-inference-sim's profiles (BENCHMARKS.md 7.3). There prefills do not share compute: here
 * the longest chunk of a step decides, and sequences that decode wait for the step's end. Fine for
 * wire tests, not for comparing policies. */
export function linearCost(profile: LinearProfile): StepCost {
  const { itlMs, prefillOverheadMs, prefillTokenMs, fullLoadFactor, maxNumSeqs } = profile;
  return (load) => {
    const share = (load.runningSequences - 1) / Math.max(1, maxNumSeqs - 1);
    const factor = 1 + (fullLoadFactor - 1) * Math.min(1, Math.max(0, share));
    const prefillMs =
      load.prefillChunks === 0 ? 0 : prefillOverheadMs + load.prefillLongest * prefillTokenMs;
    return 1000 * factor * Math.max(prefillMs, load.decodeSequences === 0 ? 0 : itlMs);
  };
}

/** An immediate answer, to measure what stands before the engine. */
export const cannedCost: StepCost = () => 0;
