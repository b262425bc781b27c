// Shapes of the models and GPUs that the timing presets know (BENCHMARKS.md 7.1, 7.4).

export interface ModelShape {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly headDim: number;
  readonly kvHeads: number;
  readonly feedForward: number;
  readonly tensorParallel: number;
  /** KV cache of one engine: (80 GiB x 0.9 x tp - weights - activations - runtime) / bytes a token. */
  readonly kvTokens: number;
}

export interface Gpu {
  /** Peak bf16 rate. */
  readonly flopsPerUs: number;
  readonly bytesPerUs: number;
  /** 1 / MFU of prefill: 0.67 on H100 lies between two measurements of llm-d, 0.6 on A100. */
  readonly prefillFactor: number;
}

export const MODEL_SHAPES = {
  'qwen2.5-7b': {
    layers: 28,
    hidden: 3584,
    heads: 28,
    headDim: 128,
    kvHeads: 4,
    feedForward: 18944,
    tensorParallel: 1,
    kvTokens: 976_611,
  },
  'llama-3.1-8b': {
    layers: 32,
    hidden: 4096,
    heads: 32,
    headDim: 128,
    kvHeads: 8,
    feedForward: 14336,
    tensorParallel: 1,
    kvTokens: 421_011,
  },
  'qwen3-32b-tp2': {
    layers: 64,
    hidden: 5120,
    heads: 64,
    headDim: 128,
    kvHeads: 8,
    feedForward: 25600,
    tensorParallel: 2,
    // As published for this set-up; the formula gives 312,137.
    kvTokens: 307_328,
  },
  'llama-3.1-70b-tp4': {
    layers: 80,
    hidden: 8192,
    heads: 64,
    headDim: 128,
    kvHeads: 8,
    feedForward: 28672,
    tensorParallel: 4,
    kvTokens: 486_923,
  },
} as const satisfies Record<string, ModelShape>;

export const GPUS = {
  h100: { flopsPerUs: 989.5e6, bytesPerUs: 3.35e6, prefillFactor: 1.5 },
  a100: { flopsPerUs: 312e6, bytesPerUs: 2.039e6, prefillFactor: 1 / 0.6 },
} as const satisfies Record<string, Gpu>;
