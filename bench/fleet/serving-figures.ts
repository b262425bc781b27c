// What rows of simulated and of real fleets both say, under one name each; times in seconds.

export interface ServingFigures {
  /** What an infinite cache would hit. */
  readonly ideal_hit: number;
  /** To the first event with a choice, as `vllm bench` counts. */
  readonly ttft_mean: number;
  readonly ttft_p50: number;
  readonly ttft_p90: number;
  readonly ttft_p99: number;
  readonly itl_mean: number;
  readonly itl_p50: number;
  readonly itl_p99: number;
  readonly e2e_mean: number;
  readonly output_tokens_per_s: number;
  readonly requests: number;
  readonly rejects: number;
  readonly failures: number;
}
